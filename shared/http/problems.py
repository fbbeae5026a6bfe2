"""Failures as problem details (RFC 9457); this is the only place that maps them."""

from typing import Any

from flask import Flask, Response, g, json, request
from pymongo.errors import PyMongoError
from werkzeug.exceptions import HTTPException

from shared.errors import Invalid, Problem
from shared.mongo.errors import refusal
from shared.schemas import flatten_errors
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

DETAILS = {
    400: "The body is not JSON, or the request is malformed.",
    404: "There is nothing at this address.",
    405: "This address does not take this method; see the header Allow.",
    413: "The body is larger than is taken here.",
    429: "Too many requests. Wait as Retry-After says.",
}


def register_errors(app: Flask) -> None:
    """Makes every answer other than 2xx of `app` a problem document."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(PyMongoError, _database)
    app.register_error_handler(Exception, _unexpected)


def problem_response(status: int, title: str, detail: str, **members: Any) -> Response:
    """`application/problem+json` with the members that RFC 9457 names, and more."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": g.get("request_id"),
        **members,
    }
    response = Response(json.dumps(body), status=status, mimetype="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _problem(error: Problem) -> Response:
    members = dict(error.members)
    if isinstance(error, Invalid):
        members["errors"] = error.errors
    response = problem_response(error.status, error.title, error.detail, **members)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    if status == 422 and "messages" in data:
        fields: dict[str, list[str]] = {}
        for messages in data["messages"].values():
            fields.update(flatten_errors(messages) if isinstance(messages, dict) else {"": messages})
        return _problem(Invalid(fields))
    detail = DETAILS.get(status) or error.description or error.name
    response = problem_response(status, error.name, detail)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "location"):
            response.headers[name] = value
    if 300 <= status < 400 and error.response is not None:
        return error.response  # type: ignore[return-value]
    return response


def _database(error: PyMongoError) -> Response:
    problem = refusal(error)
    if isinstance(problem, Problem):
        log.warning("database refused", error=type(error).__name__)
        return _problem(problem)
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    log.exception("request failed", exc_info=error)
    return problem_response(
        500,
        "Internal Server Error",
        "Something went wrong on our side; the operators can find it by its request_id.",
    )
