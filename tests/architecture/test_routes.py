"""Every route needs a token, or stands on this list."""

from collections.abc import Callable

import pytest

from contracts import SERVICES
from shared.ids import new_id
from shared.service import Service
from tests.support import Client

EVERYWHERE = {"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /docs/", "GET /docs/<path:path>"}
OPEN = {
    "enrolment": EVERYWHERE,
    "events": EVERYWHERE
    | {
        "GET /public/assets/style.css",
        "GET /public/assets/door.js",
        "GET /public/doors/<token>",
        "POST /public/doors/<token>",
        "POST /public/doors/<token>/check-ins",
        "GET /public/registrations/<token>/participants",
        "GET /public/calendar.ics",
        "GET /public/calendars/<token>.ics",
        "GET /public/registrations/<token>/calendar.ics",
        "GET /public/registrations/<token>/certificate.pdf",
        "GET /public/registrations/<token>/qr.svg",
        "GET /public/events",
        "GET /public/events/<id>",
        "POST /public/events/<id>/registrations",
        "GET /public/invitations/<token>",
        "POST /public/invitations/<token>",
        "GET /public/registrations/<token>",
        "POST /public/registrations/<token>",
        "POST /public/registrations/<token>/feedback",
        "POST /public/registrations/<token>/transfer",
    },
    "notifications": EVERYWHERE
    | {
        "GET /public/assets/style.css",
        "GET /public/preferences/<token>",
        "POST /public/preferences/<token>",
    },
}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_only_the_routes_on_the_list_answer_without_a_token(
    service: Service, client_of: Callable[[Service], Client]
) -> None:
    client = client_of(service)
    app, answered = client.app, set()
    for rule in app.url_map.iter_rules():
        values = {name: 7 if f"<int:{name}>" in rule.rule else new_id() for name in rule.arguments}
        path = app.url_map.bind("").build(rule.endpoint, values, append_unknown=False)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = client.call(method, path, role=None)
            if answer.status_code != 401:
                answered.add(f"{method} {rule.rule}")
    assert answered == OPEN[service.name]
