"""The schemas of a message's `data.change`, one for each kind of change."""

from marshmallow import Schema, fields


class Change(Schema):
    """A resource was made or changed: `changed` has each field that differs, with its old and new value."""

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
