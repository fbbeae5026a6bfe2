"""A new sealing key reaches the persons of registrations, and the old one can go."""

from cryptography.fernet import Fernet

from services.events.people.resealing import reseal_registrations
from shared.secrets import Secrets
from tests.events import builders as a
from tests.events.conftest import Events


def test_a_stranger_is_sealed_with_the_new_key_and_known_again_by_it(events: Events) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    before = events.db["registrations"].find_one({"_id": registration["id"]})
    new = Fernet.generate_key().decode()
    keys = [new, *events.secrets._sealing_keys]
    task = reseal_registrations(events.db, Secrets(sealing_keys=keys, signing_keys=[new]))
    while task.run():
        pass
    after = events.db["registrations"].find_one({"_id": registration["id"]})
    assert before is not None
    assert after is not None
    only_new = Secrets(sealing_keys=[new], signing_keys=[new])
    assert only_new.unseal(after["person_sealed"]) == events.secrets.unseal(before["person_sealed"])
    assert set(before["person_keys"]) < set(after["person_keys"])
    assert (after["version"], events.said(a.REGISTRATIONS)[-1].type) == (2, "registration.updated")
