"""A MongoDB member whose disk takes no writes for a while."""

import contextlib
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

# A busy member may take that long to answer; one that stays locked would be out for the rest of the trial.
RELEASE_SECONDS = 120.0


def stall_disk(uri: str, port: int) -> bool:
    """Lets a MongoDB member write nothing any more, while it answers heartbeats; False when it cannot be reached."""
    with _direct(uri, port) as client, contextlib.suppress(PyMongoError):
        client.admin.command("fsync", lock=True)
        return True
    return False


def release_disk(uri: str, port: int) -> None:
    """Ends `stall_disk`, also when the first tries get no answer. A member that was started anew is not stalled."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while time.monotonic() < deadline:
        with _direct(uri, port) as client:
            try:
                if client.admin.command("fsyncUnlock")["lockCount"] == 0:
                    return
            except OperationFailure:
                return  # it is not locked (any more)
            except PyMongoError:
                time.sleep(0.5)


def _direct(uri: str, port: int) -> MongoClient[dict[str, Any]]:
    parsed = parse_uri(uri)
    return MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        username=parsed["username"],
        password=parsed["password"],
        authSource="admin",
        serverSelectionTimeoutMS=2000,
        socketTimeoutMS=10_000,
    )
