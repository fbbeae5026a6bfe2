"""The demo says what is wrong: in one sentence, and with a status that is not 0."""

import socket
from typing import Any

import pytest

from deploy.local.demo import run, seed
from deploy.local.demo.checks import Checks, WentWrong, until
from deploy.local.demo.people import MUNICIPALITIES, PUBLIC, contacts_csv, municipalities_csv
from deploy.local.errors import StackError


def test_the_first_expectation_that_fails_is_told_with_what_was_expected() -> None:
    with pytest.raises(WentWrong, match="seats taken: expected 24, got 25"):
        Checks().equal("seats taken", 25, 24)


def test_a_mail_that_came_twice_is_told() -> None:
    with pytest.raises(WentWrong, match=r"mails: 1 too many: 'anna'$"):
        Checks().same("mails", ["anna", "anna", "juhani"], ["anna", "juhani"])


def test_a_mail_that_did_not_come_is_told() -> None:
    with pytest.raises(WentWrong, match=r"mails: 1 missing: 'juhani'$"):
        Checks().same("mails", ["anna"], ["anna", "juhani"])


def test_expectations_that_hold_are_counted() -> None:
    checks = Checks()
    checks.equal("seats taken", 24, 24)
    checks.same("mails", ["juhani", "anna"], ["anna", "juhani"])
    assert checks.held == 3


def test_waiting_ends_at_its_deadline() -> None:
    with pytest.raises(WentWrong, match=r"the promotion: not within 0\.1 seconds"):
        until("the promotion", lambda: None, seconds=0.1)


def test_a_stack_that_does_not_answer_is_told_with_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_nobody_there()) == 1
    assert "no answer" in capsys.readouterr().out


def test_seeding_a_stack_that_does_not_answer_fails_with_the_reason() -> None:
    with pytest.raises(StackError, match="no answer"):
        seed(_nobody_there())


def test_the_table_has_every_municipality_once() -> None:
    codes = [line.partition(",")[0] for line in municipalities_csv().splitlines()[1:]]
    assert len(codes) == len(set(codes)) == 309
    assert {municipality.code for municipality in MUNICIPALITIES} <= set(codes)


def test_people_are_invented_at_example_domains_and_differ() -> None:
    people = [person for town in MUNICIPALITIES for person in town.people] + list(PUBLIC)
    assert all(person.email.isascii() and person.email.endswith(".example") for person in people)
    assert len({person.email for person in people}) == len(people)
    assert {person.language for person in people} == {"fi", "sv", "en"}
    assert all({person.role for person in town.people} == {"officeholder", "elected"} for town in MUNICIPALITIES)
    assert len(contacts_csv(MUNICIPALITIES).splitlines()) == 1 + len(people) - len(PUBLIC)


def _nobody_there() -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    return {
        "mail": {"smtp": "", "directory": None},
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
        "services": {name: {"url": url, "processes": []} for name in ("enrolment", "events", "notifications")},
        "tokens": dict.fromkeys(("viewer", "coordinator", "manager", "operator"), "none"),
    }
