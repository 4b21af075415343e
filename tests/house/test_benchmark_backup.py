"""The backup whose work for an entry is counted accepts entries."""

import pytest

from benchmarks.harness.one_of_three import Backup
from benchmarks.step import write_request

# A fixture makes a whole service for this test.
pytestmark = pytest.mark.slow


def test_a_backup_hears_of_writes_when_it_is_let_and_not_before() -> None:
    backup = Backup()
    before = backup.entry_count
    told = backup.told_of(1024, write_request())
    assert told
    assert backup.entry_count == before
    backup.perform(backup.hear(told))
    assert before < backup.entry_count <= before + 1024
    backup.catch_up()
    assert backup.entry_count > before + 1024
