"""The `uso` command with stand-ins for the services' processes."""

import functools
import sys
from pathlib import Path

from deploy.local import cli
from deploy.local.stack import Stack


def fake_command(service: str, role: str) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("fake_service.py")), role]


if __name__ == "__main__":
    cli.Stack = functools.partial(Stack, service_command=fake_command)
    cli.main()
