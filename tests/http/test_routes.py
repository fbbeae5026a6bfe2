"""Every route of every service: who may call it, and what is said of what is not there."""

import json
import re
from collections.abc import Callable

import pytest

from tests.http.conftest import SERVICES, Api
from tests.support import Client

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/docs/"),
    ("GET", "/docs/<path:path>"),
}
# Guests have no token: a link in their mail shows who they are. tests/architecture/test_routes.py lists these routes.
FOR_GUESTS = "/public/"
MANAGERS = {
    ("POST", "/v1/seasons/<id>/transitions"),
    ("POST", "/v1/seasons/<id>/renewals"),
    ("POST", "/v1/organisations/<id>/succession"),
    ("POST", "/v1/positions/end"),
    ("POST", "/v1/contacts/<id>/merge"),
    ("POST", "/v1/contacts/<id>/merge/undo"),
    ("POST", "/v1/contacts/<id>/erasure"),
    ("GET", "/v1/contacts/<id>/export"),
    ("GET", "/v1/contacts/<id>/personal-data"),
    ("POST", "/v1/announcements/<id>/transitions"),
    ("POST", "/v1/webhooks"),
    ("PATCH", "/v1/webhooks/<id>"),
    ("DELETE", "/v1/webhooks/<id>"),
    ("POST", "/v1/webhooks/<id>/transitions"),
    ("POST", "/v1/webhooks/<id>/rotate"),
    ("POST", "/v1/webhooks/<id>/replay"),
}
COORDINATORS = {("GET", "/v1/events/<id>/sensitive-answers")}
VIEWERS = {("PUT", "/v1/staff/me")}  # everybody may say which digest they want
# They show nothing until they are asked for something in particular.
WITH_A_QUERY = {"/v1/seasons/<id>/renewals"}
ROLES = ("viewer", "coordinator", "manager", "operator")
MAY_ALSO = {"viewer": ("coordinator", "manager"), "coordinator": ("manager",), "manager": (), "operator": ()}


def role_of(method: str, rule: str) -> str | None:
    """The role that the contract asks for; None without a token."""
    if (method, rule) in OPEN or rule.startswith(FOR_GUESTS):
        return None
    if rule.startswith("/v1/ops"):
        return "operator"
    if (method, rule) in MANAGERS:
        return "manager"
    if (method, rule) in COORDINATORS:
        return "coordinator"
    if (method, rule) in VIEWERS:
        return "viewer"
    return "viewer" if method == "GET" else "coordinator"


def test_every_route_needs_a_token_or_stands_on_the_list(api: Api) -> None:
    for method, rule in api.rules:
        answer = api.client.call(method, api.url(rule), role=None)
        needs_one = role_of(method, rule.rule) is not None
        assert (answer.status_code == 401) is needs_one, (method, rule.rule, answer.status_code)
        if needs_one:
            assert (answer.headers["WWW-Authenticate"], answer.mimetype) == ("Bearer", "application/problem+json")


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_refuses_the_roles_that_are_too_low_and_no_others(name: str, api_of: Callable[..., Api]) -> None:
    api = api_of(name, kafka=True)
    for method, rule in api.rules:
        role = role_of(method, rule.rule)
        for given in ROLES if role else ():
            answer = api.client.call(method, api.url(rule), role=given)
            may = given == role or given in MAY_ALSO[str(role)]
            assert (answer.status_code != 403) is may, (method, rule.rule, given, answer.status_code)


def test_a_token_without_a_role_of_ours_may_nothing(api: Api) -> None:
    for roles in ([], ["admin"], "manager", None, [["manager"]]):
        token = api.client.keys.token("viewer", roles=roles)
        answer = api.client.get(api.example.collection, role=None, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403, roles


def test_an_address_that_is_not_there_is_404_and_says_so_in_json(api: Api) -> None:
    for path in ("/v1/nothing", "/v2/organisations", "/", f"{api.example.collection}/none/such/thing"):
        answer = api.client.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
        assert answer.json["instance"] == path
        assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_a_thing_that_is_not_there_is_404_on_every_route_that_shows_one(api: Api) -> None:
    for method, rule in api.rules:
        if method == "GET" and rule.arguments and rule.rule.startswith("/v1") and rule.rule not in WITH_A_QUERY:
            role = role_of(method, rule.rule)
            answer = api.client.get(api.url(rule), role=role)
            assert answer.status_code == 404, (rule.rule, answer.status_code)


def test_a_method_that_is_not_there_is_405_and_names_those_that_are(api: Api) -> None:
    answer = api.client.call("TRACE", api.example.collection)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert api.client.delete("/healthz").status_code == 405


@pytest.mark.parametrize("accept", ["text/html", "image/png, application/pdf;q=0.5"])
def test_what_cannot_be_given_is_not_acceptable(api: Api, accept: str) -> None:
    answer = api.client.get(api.example.collection, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (406, "application/problem+json")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, application/*;q=0.1", ""])
def test_json_is_given_to_whoever_takes_it(api: Api, accept: str) -> None:
    answer = api.client.get(api.example.collection, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_without_a_token_one_sees_that_it_lives_is_ready_and_how_it_is_used(api: Api) -> None:
    assert api.client.get("/healthz", role=None).json == {"status": "ok"}
    assert api.client.get("/readyz", role=None).json["checks"] == {"mongodb": "ok"}
    assert api.client.get("/openapi.json", role=None).json["openapi"].startswith("3.1")
    docs = api.client.get("/docs/", role=None)
    assert (docs.status_code, "/openapi.json" in docs.text) == (200, True)


def test_no_stack_trace_leaves_the_process(api: Api) -> None:
    """A service whose lists fail by a mistake of ours."""

    def broken(**_: object) -> None:
        raise RuntimeError("the secret is in line 7")

    app = api.service.app(api.settings, api.db)
    rule = next(
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule == api.example.collection and "GET" in (rule.methods or ())
    )
    app.view_functions[rule.endpoint] = broken
    answer = Client(app, api.client.keys).get(api.example.collection)
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert not any(word in answer.text for word in ("secret", "Traceback", "RuntimeError", "line 7"))
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_each_route_is_documented(api: Api) -> None:
    documented = {
        (method.upper(), path)
        for path, operations in api.client.get("/openapi.json").json["paths"].items()
        for method in operations
        if method != "parameters"
    }
    there = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for method, rule in api.rules
        if rule.rule.startswith(("/v1", "/public"))
    }
    assert documented == there


def test_the_document_says_which_routes_need_no_token(api: Api) -> None:
    document = api.client.get("/openapi.json").json
    assert document["security"] == [{"bearer": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                rule = path.replace("{", "<").replace("}", ">")
                is_open = role_of(method.upper(), rule) is None
                assert operation.get("security", "as above") == ([] if is_open else "as above"), (method, path)


def test_each_error_is_documented_as_a_problem(api: Api) -> None:
    document = api.client.get("/openapi.json").json
    assert document["components"]["responses"]
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]
    assert "flask" not in json.dumps(document).casefold()
