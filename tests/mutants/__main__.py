"""`python -m tests.mutants [NAME]…`: puts each fault into a copy of the tree and runs the tests that must notice it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from deploy.local.stack import Stack
from tests.mutants.mutants import ROOT, Mutant, read_mutants


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Exit status 1 when a mutant survives, or when the tests already fail without any."""
    mutants = [mutant for mutant in read_mutants() if not names or mutant.name in names]
    green: set[tuple[str, ...]] = set()
    with tempfile.TemporaryDirectory(prefix="uso-mutants-") as directory:
        copy = Path(directory, "tree")
        copy_tree(copy)
        with Stack(Path(directory, "stack"), keep=False, services=()) as stack:
            environment = {
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "KAFKA_BOOTSTRAP_SERVERS": stack.info["kafka"]["bootstrap_servers"],
                "MONGODB_URI": stack.info["mongodb"]["uri"],
            }
            survivors = []
            for mutant in mutants:
                if mutant.tests not in green and run_tests(mutant.tests, copy, environment) != 0:
                    raise click.ClickException(f"{mutant.name}: its tests fail, or are none, without the mutant too.")
                green.add(mutant.tests)
                if survives(mutant, copy, environment):
                    survivors.append(mutant.name)
    click.echo(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants were killed.")
    sys.exit(1 if survivors else 0)


def copy_tree(copy: Path) -> None:
    """Copies the files that git knows, with what is not committed yet."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)


def survives(mutant: Mutant, copy: Path, environment: dict[str, str]) -> bool:
    """Whether the mutant's tests pass with it. Says what came of it."""
    file = mutant.file(copy)
    original = file.read_text()
    file.write_text(original.replace(mutant.before, mutant.after))
    try:
        status = run_tests(mutant.tests, copy, environment)
    finally:
        file.write_text(original)
    if status not in (0, 1, 2):  # 2: the tests cannot even be collected
        raise click.ClickException(f"{mutant.name}: pytest ended with {status}.")
    click.echo(f"{'SURVIVED' if status == 0 else 'killed  '} {mutant.name}")
    return status == 0


def run_tests(tests: Iterable[str], copy: Path, environment: dict[str, str]) -> int:
    """pytest's exit status. Python finds the copy before the installed packages, since it runs there."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=copy, env=environment, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    main()
