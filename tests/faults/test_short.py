"""A short trial on a stack of one broker and one MongoDB member: everything dies once under load."""

import contextlib
import time
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.faults.mail_server import DifficultMailServer
from tests.faults.nemesis import Nemesis
from tests.faults.report import as_json
from tests.faults.trial import run_trial

pytestmark = pytest.mark.long
SEED = 7


def everything_dies(nemesis: Nemesis) -> None:
    """Each kind of process once, some while another is still coming back."""
    time.sleep(2)
    for role, service in (
        ("relay", "enrolment"), ("worker", "events"), ("api", "events"), ("relay", "events"), ("broker", None),
        ("worker", "notifications"), ("mongod", None), ("api", "enrolment"), ("worker", "enrolment"),
    ):  # fmt: skip
        nemesis.kill(role, service=service)
        time.sleep(2.5)


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_happens_twice_when_every_process_is_killed(run_dir: Path) -> None:
    mail_server = DifficultMailServer(lambda: stack.info["mail"]["smtp"])
    mail_server.drop_next_reply(3)
    environment = {"SMTP_URL": mail_server.url}
    with contextlib.closing(mail_server), Stack(run_dir, keep=False, environment=environment) as stack:
        result = run_trial(stack, seed=SEED, faults=everything_dies, writers=6, pause=0.15)
    facts = as_json(result)
    assert [invariant for invariant in facts["invariants"] if invariant["broken"]] == []
    assert facts["unsettled"] == ""
    assert (facts["lost"], facts["doubled"], facts["out_of_order"]) == (0, 0, 0)
    assert sum(result.faults.values()) == 9
    assert facts["calls"]["done"] > 100
    assert facts["mails_again"] >= mail_server.dropped == 3
