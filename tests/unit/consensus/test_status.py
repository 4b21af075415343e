"""What a node says of transaction ids, case by case.

The log: view 2 wrote seqnos 1 to 5, view 4 wrote 6 to 9; 7 is committed.
"""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.history import ViewHistory
from ccfpy.consensus.status import TxStatus, status_of

LOG = ViewHistory((1, 1, 6, 6))


@pytest.mark.parametrize(
    ("tx_id", "expected"),
    [
        ("2.5", TxStatus.COMMITTED),
        ("4.7", TxStatus.COMMITTED),
        ("3.5", TxStatus.INVALID),
        ("2.6", TxStatus.INVALID),
        ("4.8", TxStatus.PENDING),
        ("4.9", TxStatus.PENDING),
        ("2.8", TxStatus.INVALID),  # a later view has committed
        ("5.8", TxStatus.UNKNOWN),  # a future view may still write it
        ("4.10", TxStatus.UNKNOWN),
        ("3.10", TxStatus.INVALID),
        ("9.99", TxStatus.UNKNOWN),
    ],
)
def test_status(tx_id: str, expected: TxStatus) -> None:
    assert status_of(TxId.parse(tx_id), LOG, last=9, committed=7) is expected
