"""Stands in for a service's process: says that it is ready, and shows its environment."""

import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path in ("/readyz", "/healthz", "/environ")
        self.send_response(200 if known else 404)
        self.end_headers()
        if self.path == "/environ":
            self.wfile.write(json.dumps(dict(os.environ)).encode())

    def log_message(self, *_: object) -> None:
        pass


class Shared(ThreadingHTTPServer):
    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


if sys.argv[1] == "api":
    shared = Shared((os.environ["HTTP_HOST"], int(os.environ["HTTP_PORT"])), Answers)
    threading.Thread(target=shared.serve_forever, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", int(os.environ["ADMIN_PORT"])), Answers).serve_forever()
