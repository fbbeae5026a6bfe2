"""Where seasons are kept."""

from pymongo import IndexModel

from services.enrolment.seasons.schemas import Season
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate

SEASONS = Aggregate(
    name="season",
    collection="seasons",
    source="/uso/enrolment",
    topic="uso.enrolment.seasons.v1",
    messages={"season.created": Change, "season.updated": Change, "season.transitioned": Transition},
    schema=Season,
    indexes=[IndexModel("number", name="number", unique=True)],
    conflict_messages={"number": "There is a season with this number already."},
)
