"""Each service keeps to its own OpenAPI document, whatever it is sent that the document allows or forbids."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.events.public.links import REGISTRATION_LINK
from shared.secrets import Secrets
from tests.enrolment import builders as enrolment
from tests.events import builders as events
from tests.http.conftest import SERVICES, Api, Json
from tests.notifications import builders as notifications
from tests.support import feed

BOUNDED = settings(
    max_examples=10, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
NUMBERS = count(1001)  # of seasons that no example has
MODES = {"allowed": GenerationMode.POSITIVE, "forbidden": GenerationMode.NEGATIVE}
REFERENCES = {"organisation_id": "organisations", "season_id": "seasons", "contact_id": "contacts"}


def things_of(api: Api) -> dict[str, Any]:
    """Something of each kind that is there: collection → id, and the other parameters of paths by name."""
    return {"enrolment": of_enrolment, "events": of_events, "notifications": of_notifications}[api.service.name](api)


def of_enrolment(api: Api) -> dict[str, Any]:
    def made(path: str, body: Json) -> Json:
        answer = api.client.post(path, json=body, role="manager")
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json)

    town = made("/v1/organisations", enrolment.organisation())
    season = made("/v1/seasons", enrolment.season(number=next(NUMBERS)))
    made(f"/v1/seasons/{season['id']}/transitions", {"to": "open"})
    return {
        "organisations": town["id"],
        "contacts": made("/v1/contacts", enrolment.contact(town))["id"],
        "seasons": season["id"],
        "enrolments": made("/v1/enrolments", enrolment.enrolment(season, town))["id"],
        "name": "events",
    }


def of_events(api: Api) -> dict[str, Any]:
    event = api.make().json
    path = f"/v1/events/{event['id']}"
    api.client.post(f"{path}/transitions", json={"to": "published"})
    registration = api.client.post(f"{path}/registrations", json={"person": events.person()}).json
    token = Secrets(sealing_keys=api.settings.sealing_keys, signing_keys=api.settings.signing_keys).sign(
        REGISTRATION_LINK, registration["id"], expires_at=None
    )
    return {"events": event["id"], "registrations": registration["id"], "token": token, "name": "contacts"}


def of_notifications(api: Api) -> dict[str, Any]:
    aino, event = notifications.contact(), notifications.event()
    registration = notifications.registration(event, aino)
    told = notifications.came(notifications.REGISTRATIONS, "registration.created", registration)
    feed(api.db, api.service.subscriptions, notifications.known(notifications.CONTACTS, aino))
    feed(api.db, api.service.subscriptions, notifications.known(notifications.EVENTS, event))
    feed(api.db, api.service.subscriptions, [told])
    return {
        "deliveries": api.client.get("/v1/deliveries").json["items"][0]["id"],
        "suppressions": api.make().json["id"],
        "contacts": aino["id"],
        "key": "event_changed",
        "language": "fi",
        "name": "contacts",
    }


NO_JSON = ("/import", "/attendance", "/v1/bounces")


def operations_of(api: Api) -> Iterator[Any]:
    """All operations that take JSON; those that all services have, of one service only."""
    document = schemathesis.openapi.from_wsgi("/openapi.json", api.app)
    for found in document.get_all_operations():
        operation = found.ok()
        is_known = operation.path.startswith("/v1/ops") and api.service.name != "enrolment"
        if not is_known and not operation.path.endswith(NO_JSON):
            yield operation


def aim(case: Any, things: dict[str, Any]) -> None:
    """Points the case at something that is there, whichever its version."""
    collection = case.operation.path.split("/")[2]
    for name in case.path_parameters or {}:
        there = things.get(collection if name == "id" else name)
        if there is not None:
            case.path_parameters[name] = there
    if "If-Match" in (case.headers or {}):
        case.headers["If-Match"] = "*"
    if isinstance(case.body, dict):
        case.body.update(
            {name: things[kind] for name, kind in REFERENCES.items() if name in case.body and kind in things}
        )


@pytest.mark.long
@pytest.mark.parametrize("mode", list(MODES), ids=list(MODES))
@pytest.mark.parametrize("name", SERVICES)
def test_every_answer_is_as_the_document_says(api_of: Callable[..., Api], name: str, mode: str) -> None:
    api = api_of(name, kafka=True)
    things = things_of(api)

    def answers(case: Any, at_something: bool) -> None:
        if at_something:
            aim(case, things)
        role = "operator" if case.operation.path.startswith("/v1/ops") else "manager"
        headers = {"Authorization": f"Bearer {api.client.keys.token(role)}"}
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    for operation in operations_of(api):
        cases = operation.as_strategy(generation_mode=MODES[mode])
        seed(7)(BOUNDED(given(case=cases, at_something=st.sampled_from([True, True, False]))(answers)))()
