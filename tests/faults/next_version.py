"""The enrolment service as its next version might be: an organisation also has a web address.

`python -m tests.faults.next_version MARK SERVICE ROLE` runs it where the file MARK exists, else the present one.
"""

import os
import sys
from pathlib import Path

from marshmallow import fields

from services.enrolment.organisations import schemas
from shared.processes import run_api
from shared.settings import read_settings

WSGI = "tests.faults.next_version:wsgi()"


class OrganisationInput(schemas.OrganisationInput):
    web_address = fields.Url()


class Organisation(schemas.Organisation):
    web_address = fields.Url(allow_none=True)


def become_the_next() -> None:
    """Before anything else imports the schemas."""
    schemas.OrganisationInput = OrganisationInput  # type: ignore[misc]
    schemas.Organisation = Organisation  # type: ignore[misc]


def wsgi() -> object:
    """What gunicorn's workers load."""
    become_the_next()
    from services.enrolment.app import SERVICE

    return SERVICE.wsgi()


def main(mark: str, name: str, role: str) -> None:
    if name != "enrolment" or not Path(mark).exists():
        os.execv(sys.executable, [sys.executable, "-m", f"services.{name}", role])
    if role == "api":
        run_api(read_settings(name), WSGI)
    become_the_next()
    from services.enrolment.app import SERVICE

    SERVICE.run([role])


if __name__ == "__main__":
    main(*sys.argv[1:])
