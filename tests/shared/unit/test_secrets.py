"""Keys apart for sealing and signing; links for one purpose, and with an end."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from itsdangerous import URLSafeSerializer

from shared.errors import Gone, NotFound
from shared.ids import utc_now
from shared.secrets import Secrets

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def secrets(sealing: list[str], signing: list[str]) -> Secrets:
    return Secrets(sealing_keys=sealing, signing_keys=signing)


def test_a_sealing_key_signs_no_link() -> None:
    leaked = secrets([OLD], [OLD])
    token = leaked.sign("registrations", "7", expires_at=None)
    with pytest.raises(NotFound):
        secrets([OLD], [NEW]).unsign("registrations", token)


def test_a_link_of_an_older_key_is_good_until_the_key_is_taken_out() -> None:
    token = secrets([OTHER], [OLD]).sign("registrations", "7", expires_at=None)
    assert secrets([OTHER], [NEW, OLD]).unsign("registrations", token) == "7"
    with pytest.raises(NotFound):
        secrets([OTHER], [NEW]).unsign("registrations", token)


def test_the_first_key_signs() -> None:
    token = secrets([OTHER], [NEW, OLD]).sign("registrations", "7", expires_at=None)
    assert secrets([OTHER], [NEW]).unsign("registrations", token) == "7"


def test_a_link_is_good_for_its_purpose_alone() -> None:
    ours = secrets([OTHER], [NEW])
    token = ours.sign("registrations", "7", expires_at=None)
    with pytest.raises(NotFound):
        ours.unsign("preferences", token)


def test_a_link_ends_and_its_end_cannot_be_changed() -> None:
    ours = secrets([OTHER], [NEW])
    later = ours.sign("registrations", "7", expires_at=utc_now() + timedelta(minutes=1))
    over = ours.sign("registrations", "7", expires_at=utc_now() - timedelta(seconds=1))
    assert ours.unsign("registrations", later) == "7"
    with pytest.raises(Gone):
        ours.unsign("registrations", over)
    with pytest.raises(NotFound):
        ours.unsign("registrations", later.split(".")[0] + "." + over.split(".")[1])


@pytest.mark.parametrize("token", ["", "x", ".", "a.b", "ä.ö", "x" * 5000, "WyI3IixudWxsXQ.AAAA"])
def test_garbage_is_no_link(token: str) -> None:
    with pytest.raises(NotFound):
        secrets([OTHER], [NEW]).unsign("registrations", token)


def test_sealing_anew_lets_the_old_key_be_taken_out() -> None:
    sealed = secrets([OLD], [OTHER]).seal("Aino")
    both = secrets([NEW, OLD], [OTHER])
    anew = both.reseal(sealed)
    assert secrets([NEW], [OTHER]).unseal(anew) == "Aino"
    assert both.reseal(anew) == anew
    with pytest.raises(ValueError):
        secrets([NEW], [OTHER]).unseal(sealed)


def test_a_link_of_version_0_1_0_still_opens() -> None:
    token = URLSafeSerializer(OLD, salt="preferences").dumps("7")
    assert secrets([OTHER], [NEW, OLD]).unsign("preferences", token) == "7"
