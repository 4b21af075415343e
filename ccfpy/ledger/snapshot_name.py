"""Names of snapshot files: ``snapshot_<seqno>_<evidence seqno>[.committed]``.

Names have their own module, so that code that only stores files loads no cryptography.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno

_SEQNO = "([1-9][0-9]{0,18})"
_NAME = re.compile(rf"snapshot_{_SEQNO}_{_SEQNO}(\.committed)?")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SnapshotName:
    """What the name of a snapshot file says.

    Attributes:
        seqno: the state is the one after this transaction.
        evidence: the transaction that recorded the snapshot's digest.
        is_committed: that transaction is committed and the receipt is in the file.
    """

    seqno: Seqno
    evidence: Seqno
    is_committed: bool = False

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a file's name (without its folder).

        Raises:
            Malformed: it is not a snapshot's name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise Malformed(f"not the name of a snapshot: {name!r}")
        return cls(
            seqno=int(match[1]),
            evidence=int(match[2]),
            is_committed=match[3] is not None,
        )

    def __str__(self) -> str:
        """Return the file's name."""
        suffix = ".committed" if self.is_committed else ""
        return f"snapshot_{self.seqno}_{self.evidence}{suffix}"

    def committed(self) -> Self:
        """Return the name once the receipt is in the file."""
        return replace(self, is_committed=True)
