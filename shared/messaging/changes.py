"""What a message's `data.change` says: one schema for each kind of change."""

from marshmallow import Schema, fields


class Change(Schema):
    """Something was made or changed: `changed` has each field that differs, as it was and as it is."""

    changed = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(),
        metadata={"description": "field → {from, to}, in the shape of `data.state`; absent in a first version"},
    )
    reason = fields.String(metadata={"description": "why, where somebody said so"})


class Transition(Change):
    """A step from one state to another."""

    from_ = fields.String(
        data_key="from", required=True, allow_none=True, metadata={"description": "null: it was just made"}
    )
    to = fields.String(required=True)
    reason = fields.String(allow_none=True, metadata={"description": "why, where somebody said so"})
