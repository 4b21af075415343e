"""How a joining node fetches and checks the snapshot that it starts from.

The joiner asks its target node, follows redirects to the primary and to a file, and
fetches the file in ranges. It verifies the file before it uses it, and passes it to its
host, so that this node has the snapshot too. A failed fetch is repeated a few times.
After that, or if fetching is off, the node uses its host's own latest snapshot. Without
a snapshot it replays the whole ledger. A peer that has no snapshot is believed at once;
CCF asks it again (``src/snapshots/fetch.h``, ``src/host/run.cpp``).

The pinned service, which the node is to join, must vouch for the snapshot
(`SnapshotCheck`). During a recovery there are only snapshots of the earlier service.
Then the joiner asks a node of the pinned service for the earlier service's identity,
and accepts that identity too. TLS proves that the node belongs to the pinned service,
which passes its own key on in the same way.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias
from urllib.parse import urlsplit

from ccfpy.base import json, limits
from ccfpy.base.errors import CcfpyError, LimitExceeded, Malformed
from ccfpy.base.ids import CallId
from ccfpy.base.net_address import bracketed
from ccfpy.boundary.configuration import JoinConfiguration
from ccfpy.boundary.effects import CommitSnapshot, WriteSnapshot
from ccfpy.crypto.certs import Certificate
from ccfpy.http.messages import Request, Response
from ccfpy.http.tls_calls import ClientContext
from ccfpy.ledger import record
from ccfpy.ledger.snapshot import SnapshotName, cut
from ccfpy.node.host_reads import Found, SnapshotReads
from ccfpy.node.outbound import CallFailed, Outcome
from ccfpy.node.outbox import Outbox
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint

_OK = 200


Checked: TypeAlias = StartingPoint | CcfpyError
"""What may be started from, or why it may not."""


class OutboundPort(Protocol):
    """Requests to other nodes (`ccfpy.node.outbound.OutboundClient`)."""

    def request(
        self,
        address: str,
        request: Request,
        *,
        trust: ClientContext,
        then: Callable[[Outcome], None],
        response_bytes_max: int = limits.HTTP_BODY_BYTES_MAX,
    ) -> CallId:
        """Send a request; its outcome comes in a later step."""
        ...


PATH = "/node/snapshot"


_PARTIAL = 206


_REDIRECT = 308


_NOT_FOUND = 404


_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class _SnapshotLocation(NamedTuple):
    """The place of a snapshot."""

    address: str
    path: str
    query: str = ""

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"https://{self.address}{self.path}{query}"


@dataclass(eq=False)
class SnapshotFetching:
    """The search of one joining node for its snapshot.

    Attributes:
        section: the node to ask, how often, and the largest size to take.
        sources: to the peer and to the host.
        check: reads and verifies a file, now or later.
        found: called once with the snapshot, or with nothing for the ledger's start.
        refused: called instead with the reason why the host's snapshot is refused.
    """

    section: JoinConfiguration
    sources: "SnapshotSources"
    check: Callable[[bytes, Callable[[Checked], None]], None]
    found: Callable[[StartingPoint | None], None]
    refused: Callable[[str], None]

    def __post_init__(self) -> None:
        self._outbox = self.sources.outbox
        self._attempts = 0
        self._redirects = 0
        self._now_ms = 0
        self._due_ms: int | None = None
        self._is_to_look = False
        self._place = _SnapshotLocation(self.section.target_rpc_address, PATH)
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._total: int | None = None

    def start(self, now_ms: int) -> None:
        """Begin the search."""
        self._now_ms = now_ms
        section = self.section
        if section.fetch_recent_snapshot and section.fetch_snapshot_max_attempts > 0:
            self._attempt()
        else:
            self._look_here()

    def tick(self, now_ms: int) -> None:
        """Try again when it is time."""
        self._now_ms = now_ms
        if self._is_to_look:
            self._is_to_look = False
            self._look_here()
        if self._due_ms is not None and now_ms >= self._due_ms:
            self._due_ms = None
            self._attempt()

    # From the peer

    def _attempt(self) -> None:
        self._attempts += 1
        self._redirects = 0
        self._place = _SnapshotLocation(self.section.target_rpc_address, PATH)
        self._pieces.clear()
        self._bytes, self._total = 0, None
        self._outbox.info(
            f"Fetching snapshot from {self._place.address} (attempt {self._attempts}/"
            f"{self.section.fetch_snapshot_max_attempts})"
        )
        self._ask()

    def _ask(self) -> None:
        place = self._place
        stop = self._bytes + limits.SNAPSHOT_READ_BYTES_MAX
        try:
            self.sources.calls.request(
                place.address,
                Request(
                    method="GET",
                    path=place.path,
                    query=place.query,
                    headers={"range": f"bytes={self._bytes}-{stop}"},
                ),
                trust=self.sources.trust(place.address),
                then=self._answered,
                response_bytes_max=limits.SNAPSHOT_READ_BYTES_MAX + limits.KIB,
            )
        except CcfpyError as error:
            self._failed(str(error))

    def _answered(self, outcome: Outcome) -> None:
        if isinstance(outcome, CallFailed):
            self._failed(f"{self._place}: {outcome.detail}")
            return
        is_found = self._total is not None
        try:
            if outcome.status == _NOT_FOUND and not is_found:
                self._outbox.info("Peer has no suitable snapshot")
                self._look_here()
            elif outcome.status == _REDIRECT and not is_found:
                self._follow(outcome)
            elif outcome.status == _PARTIAL:
                self._take(outcome)
            else:
                raise Malformed(f"unexpected status {outcome.status} of {self._place}")
        except CcfpyError as error:
            self._failed(str(error))

    def _follow(self, response: Response) -> None:
        self._redirects += 1
        if self._redirects >= limits.SNAPSHOT_REDIRECTS_MAX:
            raise Malformed(f"more than {self._redirects} redirects")
        self._place = _place_of(response.headers.get("location", ""))
        self._ask()

    def _take(self, response: Response) -> None:
        """Take a range's bytes, and ask for the next or end."""
        header = response.headers.get("content-range", "")
        match = _CONTENT_RANGE.fullmatch(header)
        if match is None:
            raise Malformed(f"unsupported content-range {header[:80]!r}")
        start, stop, total = map(int, match.groups())
        if start != self._bytes or stop - start != len(response.body):
            raise Malformed(
                f"bytes {header!r} with {len(response.body)} bytes, expected those "
                f"from {self._bytes}"
            )
        if self._total not in (None, total) or stop > total:
            raise Malformed(f"{header!r} of a snapshot of {self._total} bytes")
        if total > self.section.fetch_snapshot_max_bytes:
            raise Malformed(
                f"a snapshot of {total} bytes, more than "
                f"{self.section.fetch_snapshot_max_bytes}"
            )
        if start == stop < total:
            raise Malformed(f"nothing came of {header!r}")
        self._pieces.append(response.body)
        self._bytes, self._total = stop, total
        if stop < total:
            self._ask()
        else:
            self._finish()

    def _finish(self) -> None:
        data = b"".join(self._pieces)
        self._pieces.clear()

        def checked(outcome: Checked) -> None:
            if isinstance(outcome, CcfpyError):
                self._failed(str(outcome))
            else:
                self._start_from(outcome, data)

        self.check(data, checked)

    def _start_from(self, start: StartingPoint, data: bytes) -> None:
        name = write_to_host(start, data, self._outbox)
        self._outbox.info(
            f"Received snapshot {name} from peer (size: {len(data)}) - writing this "
            "to disk and using for join startup"
        )
        self.found(start)

    def _failed(self, reason: str) -> None:
        self._outbox.fail(f"Error during snapshot fetch: {reason}")
        section = self.section
        if self._attempts < section.fetch_snapshot_max_attempts:
            self._due_ms = self._now_ms + section.fetch_snapshot_retry_interval_ms
            return
        self._outbox.info(
            f"Exceeded maximum snapshot fetch retries ({self._attempts}), giving up"
        )
        self._look_here()

    # From the host

    def _look_here(self) -> None:
        try:
            self.sources.reads.look(then=self._is_here)
        except LimitExceeded:
            # Clients ask the host too; their questions are answered before long.
            self._is_to_look = True

    def _is_here(self, found: Found | None) -> None:
        if found is None:
            self._outbox.info(
                "No snapshot found: Node will replay all historical transactions"
            )
            self.found(None)
            return
        if found.size > limits.SNAPSHOT_BYTES_MAX:
            self.refused(f"the local snapshot {found.name} has {found.size} bytes")
            return
        self._outbox.info(
            f"Found latest local snapshot file: {found.name} (size: {found.size})"
        )

        def read(data: bytes | None) -> None:
            if data is None:
                self.refused(f"the local snapshot {found.name} cannot be read")
                return
            self.check(data, checked)

        def checked(outcome: Checked) -> None:
            if isinstance(outcome, CcfpyError):
                self.refused(f"the local snapshot {found.name}: {outcome}")
            else:
                self.found(outcome)

        self.sources.reads.read(found, start=0, stop=found.size, then=read)


def write_to_host(start: StartingPoint, data: bytes, outbox: Outbox) -> SnapshotName:
    """Write a verified snapshot's file to the host, and return its name."""
    receipt = start.snapshot.receipt
    assert receipt is not None, "what was verified has a receipt"
    assert not isinstance(receipt.leaf, bytes), "and it reveals the evidence"
    name = SnapshotName(seqno=start.seqno, evidence=receipt.leaf.txid.seqno)
    entry = start.snapshot.entry.data
    for at, piece in enumerate(cut([entry], limits.SNAPSHOT_WRITE_BYTES_MAX)):
        outbox.put(
            WriteSnapshot(
                seqno=name.seqno,
                evidence_seqno=name.evidence,
                data=piece,
                is_first=at == 0,
            )
        )
    outbox.put(
        CommitSnapshot(
            seqno=name.seqno,
            evidence_seqno=name.evidence,
            receipt=data[len(entry) :],
        )
    )
    return name.committed()


def _place_of(location: str) -> _SnapshotLocation:
    """Read where a redirect points.

    Raises:
        Malformed: to nothing that could be a snapshot.
    """
    try:
        parts = urlsplit(location)
        port = parts.port
    except ValueError as error:
        raise Malformed(f"redirected to {location[:200]!r}") from error
    if parts.scheme != "https" or not parts.hostname or not _is_ours(parts.path):
        raise Malformed(f"redirected to {location[:200]!r}")
    address = f"{bracketed(parts.hostname)}:{port or 443}"
    return _SnapshotLocation(address, parts.path, parts.query)


def _is_ours(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")


PREVIOUS_IDENTITY = "/node/service/previous_identity"


class SnapshotSources(NamedTuple):
    """The sources of a snapshot.

    Attributes:
        trust: the certificates to trust at an address.
        reads: the host's own snapshots.
    """

    calls: OutboundPort
    trust: Callable[[str], ClientContext]
    reads: SnapshotReads
    outbox: Outbox


class SnapshotCheck:
    """The check of one node that joins one service.

    Args:
        pinned: the certificate of the service to join.
        address: the address of the node to ask.
        sources: to reach that node.
    """

    def __init__(
        self, pinned: Certificate, address: str, sources: SnapshotSources
    ) -> None:
        self._identities = [pinned]
        self._address = address
        self._sources = sources
        self._outbox = sources.outbox

    def check(self, data: bytes, then: Callable[[Checked], None]) -> None:
        """Verify a snapshot's file; report the outcome now or in a later step."""
        outcome = self._read(data)
        if (
            isinstance(outcome, SnapshotRefused)
            and outcome.is_of_another_service
            and len(self._identities) == 1
        ):
            self._ask(lambda: then(self._read(data)))
        else:
            then(outcome)

    def _read(self, data: bytes) -> Checked:
        try:
            return StartingPoint.read(data, self._identities)
        except CcfpyError as error:
            return error

    def _ask(self, then: Callable[[], None]) -> None:
        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Response) and outcome.status == _OK:
                self._learn(outcome.body)
            then()

        try:
            self._sources.calls.request(
                self._address,
                Request(method="GET", path=PREVIOUS_IDENTITY),
                trust=self._sources.trust(self._address),
                then=answered,
            )
        except CcfpyError as error:
            self._outbox.fail(f"Cannot ask for the previous service identity: {error}")
            then()

    def _learn(self, body: bytes) -> None:
        try:
            pem = record.text(json.loads_object(body), "previous_service_identity")
            previous = Certificate.from_pem(pem)
        except Malformed as error:
            self._outbox.fail(f"Cannot read the previous service identity: {error}")
            return
        self._outbox.info(
            "The service to join recovers another, whose snapshots may be used"
        )
        self._identities.append(previous)
