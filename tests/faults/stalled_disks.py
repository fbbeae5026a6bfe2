"""A MongoDB member whose disk takes no writes for a while."""

import contextlib
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri


def stall_disk(uri: str, port: int) -> bool:
    """Lets a MongoDB member write nothing any more, while it answers heartbeats; False when it cannot be reached."""
    with _direct(uri, port) as client, contextlib.suppress(PyMongoError):
        client.admin.command("fsync", lock=True)
        return True
    return False


def release_disk(uri: str, port: int) -> None:
    """Ends `stall_disk`. A member that was started again meanwhile is not stalled any more."""
    with _direct(uri, port) as client, contextlib.suppress(PyMongoError):
        client.admin.command("fsyncUnlock")


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
