"""The directory that a stack keeps its data, secrets and size in; one stack at a time."""

import base64
import fcntl
import json
import secrets
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from cryptography.fernet import Fernet

from deploy.local.errors import StackError
from deploy.local.tokens import write_secret


def take(directory: Path) -> IO[str]:
    """Makes the directory and locks it, until the returned file is closed. Raises StackError when it is taken."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)  # mails, logs of Kafka and the databases' files are for nobody else on this machine
    for name in ("logs", "data", "mail"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StackError(f"A stack runs in {directory} already: stop it, or give another --run-dir.") from error
    return lock


def check_size(directory: Path, *, brokers: int, mongo_members: int, secure: bool) -> None:
    """The data of a cluster belongs to its number of servers. Raises StackError when that was another."""
    file = directory / "size.json"
    size = {"brokers": brokers, "mongo_members": mongo_members, "secure": secure}
    if not file.exists():
        file.write_text(json.dumps(size))
    before = {"secure": False, **json.loads(file.read_text())}
    if before != size:
        raise StackError(
            f"The data in {directory} is of {before['brokers']} Kafka brokers and "
            f"{before['mongo_members']} MongoDB members, {'with' if before['secure'] else 'without'} --secure: "
            "ask for the same, or give another --run-dir."
        )


def read_secrets(directory: Path, databases: Sequence[str]) -> dict[str, str]:
    """Passwords by database, the administrator's, the services' common keys, and the id of Kafka's cluster."""
    file = directory / "secrets.json"
    if not file.exists():
        made = {name: secrets.token_hex(16) for name in ("mongodb-admin", *databases)}
        made["kafka"] = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[:22]
        made["fernet"] = Fernet.generate_key().decode()
        made["signing"] = Fernet.generate_key().decode()
        write_secret(file, json.dumps(made))
    known: dict[str, str] = json.loads(file.read_text())
    if "signing" not in known:  # a directory from before links had keys of their own
        known["signing"] = Fernet.generate_key().decode()
        write_secret(file, json.dumps(known))
    return known
