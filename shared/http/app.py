"""The application factory of each service's api process."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from flask_smorest import Api, Blueprint
from flask_swagger_ui import get_swaggerui_blueprint
from opentelemetry.trace import SpanKind

from shared.cause import Cause
from shared.errors import Problem, Unauthorized
from shared.http.auth import Tokens, needed_role, open_to_all, require, roles_of
from shared.http.bodies import Json
from shared.http.calls import PUBLIC
from shared.http.media import add_negotiation, current_view
from shared.http.openapi import Promises, describe_field, problem_responses
from shared.http.problems import problem_response, register_errors
from shared.http.proxies import ClientAddress
from shared.ids import new_id
from shared.settings import Settings
from shared.telemetry.admin import Checks, run_checks
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import HTTP_REQUESTS, HTTP_SECONDS
from shared.telemetry.spans import SPANS
from shared.telemetry.tracing import child_traceparent, trace_id
from shared.trusted_proxies import TrustedProxies

log = get_logger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json"})
# Other methods count as `other`: Prometheus keeps a time series for each label, and strangers must not choose them.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def create_app(
    settings: Settings,
    *,
    title: str,
    description: str,
    blueprints: Iterable[Blueprint],
    checks: Checks,
    provides: Iterable[object] = (),
) -> Flask:
    """A Flask app with the given routes and the behaviour that all services share.

    Tokens and roles, problem details, request and trace ids, body limits, content negotiation,
    /healthz, /readyz, /openapi.json and /docs. Nothing connects before the first request.
    `provides` are the objects that views ask for by their type (`shared.http.calls.the`).
    """
    app = Flask(settings.service, static_folder=None)
    app.config.update(
        API_TITLE=title,
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": description},
            "security": [{"bearer": []}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
        },
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        PROPAGATE_EXCEPTIONS=False,
    )
    SPANS.export(settings.otlp_endpoint, service=settings.service, process=settings.process_name)
    app.json = Json(app)
    app.extensions["uso"] = {type(thing): thing for thing in provides}
    app.url_map.strict_slashes = False
    app.wsgi_app = ClientAddress(app.wsgi_app, TrustedProxies.parse(settings.trusted_proxies))  # type: ignore[method-assign]
    tokens = Tokens(jwks=settings.jwks, issuer=settings.jwt_issuer, audience=settings.jwt_audience)

    _add_requests(app, settings)
    _add_guards(app, tokens)
    add_negotiation(app, max_body_bytes=settings.max_body_bytes)
    _add_health(app, checks)
    api = _Api(app, spec_kwargs={"extra_plugins": [Promises(app)]})
    api.ma_plugin.converter.add_attribute_function(describe_field)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json", config={"app_name": title}))
    register_errors(app)
    return app


class _Api(Api):  # type: ignore[misc]
    """flask-smorest with our problem documents instead of its own error answers."""

    def _register_error_handlers(self) -> None:
        """Does nothing: the factory registers our own handlers."""

    def _register_responses(self) -> None:
        for name, response in problem_responses():
            self.spec.components.response(name, response, lazy=True)


def _add_requests(app: Flask, settings: Settings) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if 0 < len(given) <= 128 and given.isascii() and given.isprintable() else new_id()
        g.began_at = time.time()
        g.traceparent = child_traceparent({"traceparent": request.headers.get("traceparent", "")})
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=trace_id(g.traceparent))
        if "HTTP_HOST" not in request.environ and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
            raise Problem("Send the header Host (RFC 9112, 3.2).")

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.get("request_id", "")
        key = g.get("idempotency_key")
        if key is not None and key.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if "ETag" in response.headers and not getattr(current_view(), "shows_more_than_its_version", False):
            response.make_conditional(request)  # 304 to If-None-Match (RFC 9110, 13.1.2)
        route = request.url_rule.rule if request.url_rule else "unknown"
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        method = request.method if request.method in METHODS else "other"
        if route not in OPEN_PATHS:
            if "began_at" in g:
                _record_span(method, route, response.status_code)
            HTTP_REQUESTS.labels(settings.service, method, route, response.status_code).inc()
            HTTP_SECONDS.labels(settings.service, method, route).observe(seconds)
            log.info(
                "request",
                method=method,
                route=route,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 1),
                actor=g.cause.actor if "cause" in g else None,
            )
        return response


def _record_span(method: str, route: str, status: int) -> None:
    """Without the path or the query: they may name people."""
    SPANS.record(
        f"{method} {route}",
        kind=SpanKind.SERVER,
        began_at=g.began_at,
        parent=request.headers.get("traceparent"),
        own=g.traceparent,
        attributes={"http.request.method": method, "http.route": route, "http.response.status_code": status},
        is_error=status >= 500,
    )


def _add_guards(app: Flask, tokens: Tokens) -> None:
    @app.before_request
    def authenticate() -> None:
        if request.endpoint is None or request.path in OPEN_PATHS or request.path.startswith("/docs"):
            return
        view = current_view()
        role = needed_role(view, request.method)
        if role is None:
            g.cause = Cause(actor=PUBLIC, correlation_id=g.request_id, traceparent=g.traceparent)
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Send a token: Authorization: Bearer <JWT>.")
        claims = tokens.claims(token.strip())
        roles = roles_of(claims)
        require(roles, role)
        g.cause = Cause(actor=claims["sub"], correlation_id=g.request_id, traceparent=g.traceparent, roles=roles)
        structlog.contextvars.bind_contextvars(actor=claims["sub"])


def _add_health(app: Flask, checks: Checks) -> None:
    @app.get("/healthz")
    @open_to_all
    def healthz() -> Mapping[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    @open_to_all
    def readyz() -> Any:
        results = run_checks(checks)
        failing = [name for name, result in results.items() if result != "ok"]
        if failing:
            response = problem_response(
                503,
                "Service Unavailable",
                f"Not ready: {', '.join(failing)} does not answer.",
                checks=results,
            )
            response.headers["Retry-After"] = "2"
            return response
        return jsonify({"status": "ready", "checks": results})
