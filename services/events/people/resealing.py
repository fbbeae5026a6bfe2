"""Seals the people who are no contacts anew when there is a new sealing key.

The message about it brings the new seal to the projection that notifications keeps.
"""

import json
from functools import partial
from typing import Any, cast

from ops.resealing import resealing_task
from services.events.people.registrants import PURPOSE
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.email_address import normalise_email
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.periodic import PeriodicTask
from shared.secrets import Secrets


def reseal_registrations(db: Database, secrets: Secrets) -> PeriodicTask:
    """The task that seals each person with the newest key, and adds the fingerprints of the newest keys."""
    return resealing_task(
        db, secrets, collection=REGISTRATIONS.collection, field="person_sealed", seal_anew=partial(_seal_anew, secrets)
    )


def _seal_anew(secrets: Secrets, uow: UnitOfWork, registration: Document, sealed: str) -> Any:
    email = normalise_email(json.loads(secrets.unseal(sealed))["email"])
    changes = {"person_sealed": sealed, "person_keys": secrets.fingerprints(PURPOSE, email)}
    return uow.save(REGISTRATIONS, cast("RegistrationDocument", registration), changes, "registration.updated")
