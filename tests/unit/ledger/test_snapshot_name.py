"""Names of snapshot files."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.ledger.snapshot import SnapshotName


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("snapshot_5_7", SnapshotName(seqno=5, evidence=7)),
        (
            "snapshot_5_7.committed",
            SnapshotName(seqno=5, evidence=7, is_committed=True),
        ),
    ],
)
def test_a_name_says_the_state_and_its_evidence(
    name: str, parsed: SnapshotName
) -> None:
    assert SnapshotName.parse(name) == parsed
    assert str(parsed) == name
    assert str(parsed.committed()) == "snapshot_5_7.committed"


@pytest.mark.parametrize(
    "name",
    ["", "snapshot_5", "snapshot_0_1", "snapshot_5_7.committed_9", "ledger_1-2"],
)
def test_other_names_are_no_snapshots(name: str) -> None:
    with pytest.raises(Malformed):
        SnapshotName.parse(name)
