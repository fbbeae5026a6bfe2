"""Every route needs a token, or stands on this list."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts import SERVICES
from shared.ids import new_id
from shared.mongo.database import Database
from shared.service import Service

EVERYWHERE = {"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /docs/", "GET /docs/<path:path>"}
OPEN = {
    "enrolment": EVERYWHERE,
    "events": EVERYWHERE
    | {
        "GET /public/events",
        "GET /public/events/<id>",
        "POST /public/events/<id>/registrations",
        "GET /public/registrations/<token>",
        "POST /public/registrations/<token>",
    },
    "notifications": EVERYWHERE | {"GET /public/preferences/<token>", "POST /public/preferences/<token>"},
}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_only_the_routes_on_the_list_answer_without_a_token(
    service: Service, db_for: Callable[[str], Database], settings_for: Any, client_for: Any
) -> None:
    db = db_for(service.name)
    service.prepare(db)
    app = service.app(settings_for(service.name), db)
    client = client_for(app)
    answered = set()
    for rule in app.url_map.iter_rules():
        path = app.url_map.bind("").build(rule.endpoint, dict.fromkeys(rule.arguments, new_id()), append_unknown=False)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = client.call(method, path, role=None)
            if answer.status_code != 401:
                answered.add(f"{method} {rule.rule}")
    assert answered == OPEN[service.name]
