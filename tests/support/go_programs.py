"""Programs in Go that tests need: built once from the Go module proxy, and kept beside Kafka's jars."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from deploy.local.kafka_jars import cache_directory


def go_program(name: str, package: str, *, tools: Path, stamps: str = "") -> Path:
    """Where the program is; built when it is not there yet, from the modules that `tools/go.sum` locks.

    `stamps` are the linker's -X flags. Raises CalledProcessError when it cannot be built.
    """
    sums = hashlib.sha256((tools / "go.sum").read_bytes()).hexdigest()[:12]
    directory = cache_directory() / f"{tools.parent.name}-{sums}"
    directory.mkdir(parents=True, exist_ok=True)
    built = directory / name
    if not built.exists():
        partial = built.with_suffix(".partial")
        subprocess.run(
            ["go", "build", "-trimpath", "-mod=readonly", f"-ldflags=-s -w {stamps}", "-o", str(partial), package],
            cwd=tools,
            env=os.environ | {"CGO_ENABLED": "0"},
            check=True,
        )
        partial.rename(built)
    return built


def lacking(*names: str) -> str | None:
    """A sentence about the programs that the machine does not have; None when all are there."""
    missing = [name for name in names if not shutil.which(name)]
    return f"{' and '.join(missing)} not found: install it to run these tests" if missing else None
