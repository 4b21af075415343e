"""Protocols between the running node and its parts, the node's clock and wake flag.

The parts are imported by the running node, and the recovery of a private state imports
the running node; the protocols let each call the other.

`HostClock` is the time that the host last reported.

`WakeFlag` asks the end of a step to look for work besides the clients' requests. Past
states, indexes and keys of token issuers advance when time passes, when an entry is
committed, when the host or another node answers, or when a request asks for them. Most
steps only serve clients. Without the flag each of these steps would run code that finds
nothing to do and displaces the code of requests from the processor's caches.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.kv.tx import Tx


class Primary(Protocol):
    """The running node, as far as its own transactions need it (`RunningNode`)."""

    @property
    def is_primary(self) -> bool:
        """Whether this node orders transactions."""
        ...

    def begin(self, *, read_only: bool) -> Tx:
        """Open a transaction on the latest state."""
        ...

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        """Order a transaction."""
        ...


class Recovery(Protocol):
    """A node's part in bringing back a lost service's private state.

    It is `ccfpy.node.startup.private_recovery.PrivateRecovery`.
    """

    @property
    def progress(self) -> tuple[Seqno, Seqno] | None:
        """The seqno to be reached and the one reached, while the ledger is read."""
        ...

    def restore_secrets(self, tx: Tx) -> None:
        """Open the old secrets with the submitted shares; send them to every node.

        Raises:
            CcfpyError: the shares do not open them, or are too few.
        """
        ...

    def unseal_secrets(self, tx: Tx) -> bool:
        """Do the same with a secret sealed to this platform, if one is of use."""
        ...

    def work(self) -> None:
        """Do what is due; for the end of every step.

        Raises:
            RecoveryFailed: the private state cannot be brought back.
        """
        ...

    def opened(self) -> None:
        """Note that the service is open, for good."""
        ...


@dataclass(slots=True, kw_only=True)
class HostClock:
    """What the host last said of the time; nothing that needs trust rests on it."""

    monotonic_ms: int
    unix_us: int

    @property
    def now(self) -> datetime:
        """Wall time, as certificates state it.

        Raises:
            Malformed: no calendar goes so far.
        """
        try:
            return datetime.fromtimestamp(self.unix_us / 1e6, tz=UTC)
        except (ValueError, OverflowError) as error:
            raise Malformed(f"the host's clock is wrong: {error}") from error


@final
class WakeFlag:
    """Remember that there may be work, until the end of a step takes the flag."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Make the end of this step, or of the next one, look for work."""
        self._is_set = True

    def take(self) -> bool:
        """Clear the flag and return whether it was set."""
        is_set, self._is_set = self._is_set, False
        return is_set
