"""The admin port of a process: /metrics, /healthz and /readyz, which callers of the API do not reach."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY as DEFAULT_REGISTRY
from prometheus_client import CollectorRegistry, make_wsgi_app, multiprocess

Checks = Mapping[str, Callable[[], None]]


def run_checks(checks: Checks) -> dict[str, str]:
    """Each dependency's name → `ok`, or its error."""
    results = {}
    for name, check in checks.items():
        try:
            check()
            results[name] = "ok"
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency does not answer
            # A driver's text names servers, and callers of /readyz need no token.
            ours = type(error).__module__.startswith("shared.")
            results[name] = f"{type(error).__name__}: {str(error)[:200]}" if ours else type(error).__name__
    return results


def start_admin_server(host: str, port: int, checks: Checks) -> WSGIServer:
    """Serves in a daemon thread; port 0 takes a free port."""
    registry = DEFAULT_REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    metrics = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            body: Iterable[bytes] = metrics(environ, start_response)
            return body
        if path == "/healthz":
            return _json(start_response, "200 OK", {"status": "ok"})
        if path == "/readyz":
            results = run_checks(checks)
            ready = all(result == "ok" for result in results.values())
            status = "200 OK" if ready else "503 Service Unavailable"
            return _json(start_response, status, {"status": "ready" if ready else "not ready", "checks": results})
        return _json(start_response, "404 Not Found", {"paths": ["/metrics", "/healthz", "/readyz"]})

    server = make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()
    return server


def _json(start_response: Any, status: str, body: Mapping[str, Any]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: a scrape every few seconds needs no log line."""
