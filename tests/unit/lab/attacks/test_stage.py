"""The service under attack is one that production could have.

It runs in tests/e2e/test_attacks.py.
"""

from pathlib import Path

import ccfpy
from ccfpy.base import limits
from tests.lab.attacks import app as attacked_app
from tests.lab.attacks import stage


def test_a_majority_is_left_when_one_node_is_lost() -> None:
    assert stage.NODES - 1 > stage.NODES // 2
    assert stage.ELECTION_TIMEOUT_MS == 5000


def test_there_is_a_member_to_err_and_one_to_suffer() -> None:
    assert len(stage.MEMBERS) == 2
    assert "honest" in stage.USERS
    assert limits.SESSIONS_SOFT_MAX > 0


def test_the_app_is_not_among_ccfpys_own_files(tmp_path: Path) -> None:
    copy = stage.copy_of_app(tmp_path / "service")
    assert copy.read_text() == Path(attacked_app.__file__).read_text()
    assert not copy.is_relative_to(Path(ccfpy.__file__).parent)
