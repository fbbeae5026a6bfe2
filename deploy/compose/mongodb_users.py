"""Makes the replica set, its administrator, and for each service a user who sees its own database alone.

Runs beside mongod, where the first user may be made without a password. The secrets are the services' own URIs, so
that no password stands in two places. Doing it again changes nothing.
"""

import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

SECRETS = Path("/run/secrets")
SERVICES = ("enrolment", "events", "notifications")
HOST = "mongodb:27017"
ALREADY_INITIALISED, UNAUTHORIZED, USER_EXISTS = 23, 13, 51003
WAIT_SECONDS = 120


def main() -> None:
    """Raises the last error when MongoDB does not answer within two minutes."""
    password = (SECRETS / "mongodb-admin").read_text().strip()
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            make_replica_set()
            make_users(password)
            return
        except PyMongoError as error:
            if time.monotonic() > deadline:
                raise
            print("waiting for MongoDB:", type(error).__name__, flush=True)
            time.sleep(1)


def make_replica_set() -> None:
    local: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1:27017", directConnection=True)
    try:
        local.admin.command("replSetInitiate", {"_id": "uso", "members": [{"_id": 0, "host": HOST}]})
    except OperationFailure as error:
        if error.code not in (ALREADY_INITIALISED, UNAUTHORIZED):
            raise


def make_users(password: str) -> None:
    local: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1:27017", directConnection=True)
    try:
        local.admin.command("createUser", "admin", pwd=password, roles=["root"])
    except OperationFailure as error:
        if error.code not in (UNAUTHORIZED, USER_EXISTS):
            raise
    admin: MongoClient[dict[str, Any]] = MongoClient(
        "127.0.0.1:27017", directConnection=True, username="admin", password=password
    )
    for service in SERVICES:
        uri = urlsplit((SECRETS / f"mongodb-{service}").read_text().strip())
        database = f"uso_{service}"
        user: dict[str, Any] = {"pwd": unquote(uri.password or ""), "roles": [{"role": "readWrite", "db": database}]}
        try:
            admin[database].command("createUser", unquote(uri.username or ""), **user)
        except OperationFailure as error:
            if error.code != USER_EXISTS:
                raise


if __name__ == "__main__":
    main()
