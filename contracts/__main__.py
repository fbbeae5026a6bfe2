"""Writes the contract's files, checks that they are up to date, or compares them with the last release."""

import click

from contracts import PUBLISHED, RELEASED, SERVICES, files, present
from contracts.compatibility import breaks
from contracts.examples import all_examples


@click.group()
def main() -> None:
    """The messages of the three services, as a contract."""


@main.command()
def write() -> None:
    """Write contracts/published."""
    files.write(PUBLISHED, files.texts(SERVICES, present(), all_examples()))


@main.command()
def check() -> None:
    """Fail when contracts/published is not up to date."""
    outdated = files.outdated(PUBLISHED, files.texts(SERVICES, present(), all_examples()))
    if outdated:
        raise click.ClickException(
            f"contracts/published is out of date: {', '.join(outdated)}. Run python -m contracts write."
        )


@main.command()
def compare() -> None:
    """Fail when a change would break a reader of the last release."""
    broken = breaks(files.read(RELEASED), present())
    if broken:
        raise click.ClickException("\n".join(broken))


@main.command()
def release() -> None:
    """Keep the present messages as those of a new release."""
    files.release(RELEASED, present())


if __name__ == "__main__":
    main()
