"""The directory of a stack: mails, logs and data of people, for its owner alone."""

import json
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from deploy.local.run_directory import read_secrets, take


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_nobody_else_on_the_machine_can_enter_it(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "run"
    directory.mkdir(mode=mode)
    with take(directory):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_sealing_and_signing_have_keys_of_their_own_in_a_directory_of_before_too(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(json.dumps({"fernet": Fernet.generate_key().decode()}))
    known = read_secrets(tmp_path, [])
    assert known["fernet"] != known["signing"]
    assert read_secrets(tmp_path, []) == known
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) & 0o077 in (0, 0o044)
