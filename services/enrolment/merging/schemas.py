"""The shapes of likely duplicates, and of a merge."""

from marshmallow import Schema, fields

from services.enrolment.contacts.schemas import Contact, ContactInput
from shared.schemas import Id, PageQuery, Strict, one_of

FIELDS = tuple(ContactInput._declared_fields)


class MergeInput(Strict):
    """Into which contact this one goes, and for each field whose value is kept."""

    into = Id(required=True)
    keep = fields.Dict(
        keys=one_of(*FIELDS),
        values=one_of("this", "other"),
        load_default=dict,
        metadata={"description": "field → `this` (of the path's contact) or `other`; the other's where it has one"},
    )


class MergeConflict(Schema):
    """What both contacts had, and the rule that settles it."""

    kind = one_of("enrolment", "registration", required=True)
    id = fields.String(required=True, metadata={"description": "the enrolment, or the event"})
    rule = fields.String(required=True)


class Merged(Schema):
    """The contact that is left, and what was settled by rule."""

    contact = fields.Nested(Contact, required=True)
    conflicts = fields.List(fields.Nested(MergeConflict), required=True)


class KeptApart(Schema):
    """What the undoing of a merge leaves as it is, since somebody changed it after the merge."""

    kind = fields.String(required=True)
    id = fields.String(required=True)
    fields_ = fields.List(fields.String(), data_key="fields", required=True)
    by = fields.String(allow_none=True, required=True, metadata={"description": "who changed it last"})


class Unmerged(Schema):
    """The two contacts, each by itself again."""

    contact = fields.Nested(Contact, required=True)
    other = fields.Nested(Contact, required=True)
    kept = fields.List(fields.Nested(KeptApart), required=True)


class Side(Schema):
    """As much of a contact as it takes to decide."""

    id = fields.String(attribute="_id", required=True)
    given_name = fields.String(required=True)
    family_name = fields.String(required=True)
    organisation_id = fields.String(required=True)


class Duplicate(Schema):
    """Two contacts that are likely one person."""

    score = fields.Float(required=True)
    reasons = fields.List(fields.String(), required=True)
    contacts = fields.List(fields.Nested(Side), required=True)


class DuplicatesQuery(PageQuery):
    organisation_id = Id()
    score_min = fields.Float(load_default=0.6)
