"""Lists the licences of what an image has: `python -m deploy.licences`. Ends with 1 where one is not allowed."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

LOCKED = Path(__file__).resolve().parents[1] / "requirements" / "run.txt"
# Whoever gives an image on would have to give its sources on as well, or may not offer it as a service.
REFUSED = re.compile(r"\b(A?GPL|GNU (Affero )?General|SSPL|Server Side|BUSL|Business Source)", re.IGNORECASE)


def locked_packages() -> list[str]:
    """The names of the packages that an image gets."""
    return re.findall(r"^([a-z0-9][a-z0-9_.-]*)(?:\[[^]]*\])?==", LOCKED.read_text(), re.MULTILINE | re.IGNORECASE)


def licences() -> Iterator[tuple[str, str, str]]:
    """Each package's name, version and licence, as it says them itself; those of other platforms are left out."""
    for name in locked_packages():
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        classified = [
            classifier.rpartition(" :: ")[2]
            for classifier in about.get_all("Classifier") or ()
            if "License ::" in classifier
        ]
        expression, free_text = ("".join(about.get_all(field) or ()) for field in ("License-Expression", "License"))
        yield name, about["Version"], expression or ", ".join(classified) or free_text.partition("\n")[0]


def refused() -> list[str]:
    """The packages whose licence is not allowed, or that say none."""
    return [name for name, _, licence in licences() if not licence or REFUSED.search(licence)]


if __name__ == "__main__":
    for row in licences():
        print("\t".join(row))
    sys.exit(f"Not allowed: {', '.join(refused())}" if refused() else 0)
