"""Flask and pymongo with nothing around them: `MONGODB_URI` and `MONGODB_DATABASE` say where it writes.

`POST /things` checks a body and inserts it with an outbox row in one transaction, `POST /kept-things` with a history
row too, into collections with the indexes that ours have. `POST /seats/<event>` gives a seat by a conditional update in
one transaction with the registration and its outbox row.
"""

import json
import os
import random
import time
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from flask import Flask, Response, jsonify, request
from marshmallow import Schema, fields, validate
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.enrolment.organisations.store import ORGANISATIONS
from shared.cloudevents import HEADERS
from shared.mongo.database import INFRASTRUCTURE_INDEXES
from shared.mongo.journal import JOURNAL

TOPIC = os.environ.get("BENCH_TOPIC", "bench")


class ThingInput(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["municipality", "other"]))
    name = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    languages = fields.List(fields.String(validate=validate.OneOf(("fi", "sv"))))
    population = fields.Integer(strict=True, validate=validate.Range(min=0))


class PersonInput(Schema):
    given_name = fields.String(required=True)
    family_name = fields.String(required=True)
    email = fields.Email(required=True)
    organisation = fields.String()
    language = fields.String(validate=validate.OneOf(("fi", "sv", "en")))


def create_app() -> Flask:
    app = Flask(__name__)
    client: MongoClient[dict[str, Any]] = MongoClient(os.environ["MONGODB_URI"], tz_aware=True)
    db = client.get_database(os.environ["MONGODB_DATABASE"], write_concern=WriteConcern("majority"))
    thing_input, person_input = ThingInput(), PersonInput()

    def in_transaction(work: Any) -> Any:
        with client.start_session() as session:
            return session.with_transaction(
                work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            )

    def outbox_row(document: dict[str, Any], now: datetime) -> dict[str, Any]:
        value = json.dumps({"id": str(ObjectId()), "subject": document["_id"], "data": {"state": document}}).encode()
        headers = [list(header) for header in HEADERS]
        return {"topic": TOPIC, "key": document["_id"], "value": value, "headers": headers, "at": now}

    @app.get("/hello")
    def hello() -> Response:
        return jsonify({"hello": "world"})

    @app.post("/things")
    def create() -> tuple[Response, int]:
        thing: dict[str, Any] = {**thing_input.load(request.get_json()), "_id": str(ObjectId())}
        row = outbox_row(thing, datetime.now(UTC))

        def work(session: ClientSession) -> None:
            db["things"].insert_one(thing, session=session)
            db["outbox"].insert_one(row, session=session)

        in_transaction(work)
        return jsonify(thing), 201

    db["kept"].create_indexes(list(ORGANISATIONS.indexes))
    db["kept_journal"].create_indexes(list(INFRASTRUCTURE_INDEXES[JOURNAL]))

    @app.post("/kept-things")
    def keep() -> tuple[Response, int]:
        thing: dict[str, Any] = {**thing_input.load(request.get_json()), "_id": str(ObjectId())}
        now = datetime.now(UTC)
        row = outbox_row(thing, now)

        def work(session: ClientSession) -> None:
            db["kept"].insert_one({**thing, "search": list(thing["name"].values())}, session=session)
            db["kept_journal"].insert_one({**row, "of": thing["_id"], "version": 1}, session=session)

        in_transaction(work)
        return jsonify(thing), 201

    @app.post("/seats/<event>")
    def register(event: str) -> tuple[Response, int]:
        person = person_input.load(request.get_json()["person"])

        def work(session: ClientSession) -> dict[str, Any]:
            free = {"_id": event, "$expr": {"$lt": ["$taken", "$capacity"]}}
            seat = db["seats"].find_one_and_update(free, {"$inc": {"taken": 1}}, session=session)
            waiting = None
            if seat is None:
                waiting = db["seats"].find_one_and_update({"_id": event}, {"$inc": {"waiting": 1}}, session=session)
            made = {**person, "_id": str(ObjectId()), "event": event, "state": "waitlisted" if waiting else "confirmed"}
            row = outbox_row(made, datetime.now(UTC))
            db["registrations"].insert_one(made, session=session)
            db["outbox"].insert_one(row, session=session)
            return made

        attempt = 0
        while True:
            try:
                return jsonify(in_transaction(work)), 201
            except OperationFailure:
                attempt += 1
                if attempt > 50:
                    raise
                time.sleep(random.uniform(0, 0.005 * min(attempt, 10)))

    return app
