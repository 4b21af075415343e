"""Ledgers found among many files: of several nodes, damaged, of several services.

A file is believed only as far as its entries verify after the entries verified before.
From each signature, the search tries every file that has the next entry, and follows
each file that reaches a further signature. Files may therefore overlap, end early or be
damaged where another file has the same entries. Where entries differ and both are
signed, both histories are reported. Whose a file is that nothing leads to is told by
the signatures in it.

The places of files mean nothing. Files with the same content are read once.

Until it opens, a service that is being recovered writes under a ledger secret that goes
with its nodes. Nobody can read on from there: the service before it is restored. Such
files end in ``.recovery``; those of services that gave them no ending look like any
other, and what is written in them tells.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self

from ccfpy.audit.auditor import AuditState, Damage
from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.tail import Attempt, Salvaged, Segment, Step, Tail, key_of
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.ids import NodeId, Seqno, TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger import record
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import CoseSignature, NodeSignature, is_signature
from ccfpy.ledger.tables import COSE_SIGNATURES, SERVICE_INFO, SIGNATURES, SINGLE_KEY


class StartRefuted(VerificationFailed):
    """Where the search began, later signatures say that the ledger was another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One history that verifies from its beginning to its last signature.

    Attributes:
        segments: where its entries are, in order.
        state: the auditor's at its end.
        identities: the service's certificates, one after the other.
        tails: what its files have beyond.
    """

    segments: Sequence[Segment]
    state: AuditState
    identities: Sequence[Certificate]
    tails: Sequence[Tail] = ()

    @property
    def first(self) -> Seqno:
        """The first entry that is at hand."""
        return self.segments[0].first if self.segments else self.last.seqno + 1

    @property
    def last(self) -> TxId:
        """The last signature."""
        return self.state.last_signed

    @property
    def service(self) -> Certificate:
        """The service's certificate at the end."""
        service = self.state.trust.service
        assert service is not None, "what is signed has a service"
        return service

    @property
    def status(self) -> ServiceStatus:
        """The service's status at the end."""
        status = self.state.trust.status
        assert status is not None, "what is signed has a service"
        return status


@dataclass(slots=True, kw_only=True)
class ChainSearch:
    """Files that may be parts of ledgers.

    Attributes:
        chunks: of each content one; paths decide nothing.
        read_to: how far each file goes, once it has been read.
        reached: to which signatures that were verified each file led, with the
            services whose they are.
        ends: what each file has after the last signature that it led to, or that was
            reached when it was tried in vain.
        on_read: is told the bytes of a file when it is read for the first time.
        sound: files of which all was taken.
        refuted: signatures whose own entry is not as later signatures say.
    """

    chunks: Sequence[ChunkPath]
    read_to: dict[ChunkPath, Seqno] = field(default_factory=dict)
    reached: dict[ChunkPath, dict[tuple[Seqno, bytes], Certificate]] = field(
        default_factory=dict
    )
    ends: dict[ChunkPath, Tail] = field(default_factory=dict)
    on_read: Callable[[int], None] = lambda _count: None
    sound: set[ChunkPath] = field(default_factory=set)
    refuted: set[tuple[Seqno, bytes]] = field(default_factory=set)
    _index: "_Index | None" = None

    def chains(
        self,
        start: AuditState | None = None,
        *,
        identities: Sequence[Certificate] = (),
        before: Sequence[Segment] = (),
    ) -> Iterator[Chain]:
        """Find every history that cannot be followed further.

        Args:
            start: where to begin, if not with the first entry.
            identities: those of the service up to there.
            before: the segments up to there, to be given with what is found.

        Raises:
            StartRefuted: ``start`` is not as later signatures say.
            OSError: a file cannot be read.
        """
        begin = Step(state=start, identities=tuple(identities))
        waiting, seen = [begin], {begin.key}
        ended: set[tuple[TxId, bytes]] = set()
        while waiting:
            step = waiting.pop()
            following, tails, is_refuted = self._follow(step)
            if is_refuted and not following:
                if step.before is None:
                    raise StartRefuted(
                        f"the signature at {step.last_signed} is not as later ones say"
                    )
                self._refute(step)
                waiting.append(step.before)
            elif not following and step.state is not None:
                end = step.state.last_signed, step.state.last_root
                if end in ended:  # but for what nobody signs in the last entry itself
                    continue
                ended.add(end)
                yield Chain(
                    segments=[*before, *step.segments()],
                    state=step.state,
                    identities=step.identities,
                    tails=tails,
                )
            # The way that leads furthest is tried first: it needs the fewest files.
            for each in sorted(following, key=lambda each: each.next_seqno):
                if each.key not in seen:
                    seen.add(each.key)
                    waiting.append(each)

    def _refute(self, step: Step) -> None:
        """Discard a signature that was reached."""
        self.refuted.add(step.key)
        for keys in self.reached.values():
            keys.pop(step.key, None)
        segment = step.segment
        assert segment is not None, "it was reached in a file"
        self.sound.discard(segment.chunk)
        self.ends[segment.chunk] = Tail(
            chunk=segment.chunk,
            last=segment.first - 1,
            torn_bytes=0,
            damage=Damage(
                file=str(segment.chunk.name),
                position=0,
                seqno=segment.last,
                reason="the entry is not the one that later signatures cover",
            ),
        )

    def _follow(self, step: Step) -> tuple[list[Step], list[Tail], bool]:
        """Try every file that has the next entry; tell if one refutes the last."""
        following: list[Step] = []
        tails: list[Tail] = []
        is_refuted = False
        for chunk in self._with(step.next_seqno):
            attempt = Attempt.make(step, chunk, self.salvage(chunk), self.refuted)
            is_refuted |= attempt.is_refuting
            if attempt.next is not None:
                following.append(attempt.next)
                state, segment = attempt.next.state, attempt.next.segment
                assert state is not None, "a signature was reached"
                if segment is not None and segment.is_whole:
                    self.sound.add(chunk)
                service = state.trust.service
                assert service is not None, "what is signed has a service"
                if chunk not in self.reached:
                    self.ends.pop(chunk, None)  # of histories that it is not of
                self.reached.setdefault(chunk, {})[key_of(state)] = service
            elif attempt.tail is not None:
                tails.append(attempt.tail)
                self._note(attempt.tail, step)
        return following, tails, is_refuted

    def _note(self, tail: Tail, step: Step) -> None:
        """Keep what a file ends with, best after a signature that it has itself."""
        has_led = step.state is not None and key_of(step.state) in self.reached.get(
            tail.chunk, ()
        )
        if has_led or tail.chunk not in self.reached:
            self.ends[tail.chunk] = tail

    def _with(self, seqno: Seqno) -> Iterator[ChunkPath]:
        """Yield the files that may have an entry, or end just before it unsoundly."""
        for chunk in self._having(seqno):
            last = self.read_to.get(chunk, chunk.name.last)
            has_it = last is None or last >= seqno or chunk.name.first == seqno
            if has_it or (last == seqno - 1 and chunk not in self.sound):
                yield chunk

    def _having(self, seqno: Seqno) -> Iterator[ChunkPath]:
        """Return the files whose names allow for the entry, or for the one before."""
        if self._index is None:
            self._index = _Index(self.chunks)
        return self._index.having(seqno)

    def salvage(self, chunk: ChunkPath) -> Salvaged:
        """Read a file's entries."""
        salvaged = Salvaged.of(chunk.name, chunk.path.read_bytes())
        if chunk not in self.read_to:
            self.on_read(chunk.size_bytes)
        self.read_to[chunk] = salvaged.last
        return salvaged


class _Index:
    """Files by what their names say, for very many files."""

    def __init__(self, chunks: Sequence[ChunkPath]) -> None:
        self._open = [chunk for chunk in chunks if chunk.name.is_open]
        self._complete = sorted(
            (chunk for chunk in chunks if not chunk.name.is_open),
            key=lambda chunk: chunk.name.first,
        )
        self._firsts = [chunk.name.first for chunk in self._complete]
        # How far any file goes of those up to each.
        self._reach = list(
            accumulate((chunk.name.last or 0 for chunk in self._complete), max)
        )

    def having(self, seqno: Seqno) -> Iterator[ChunkPath]:
        at = bisect_right(self._firsts, seqno) - 1
        while at >= 0 and self._reach[at] >= seqno - 1:
            chunk = self._complete[at]
            if (chunk.name.last or 0) >= seqno - 1:
                yield chunk
            at -= 1
        for chunk in self._open:
            if chunk.name.first <= seqno:
                yield chunk


def without_copies(
    chunks: Iterable[ChunkPath], digest: Callable[[ChunkPath], bytes]
) -> tuple[list[ChunkPath], Mapping[ChunkPath, ChunkPath]]:
    """Keep one of each content; give the others, each with the one that was kept.

    Of several, one whose name is committed is kept: it says more.
    """
    kept: dict[tuple[Seqno, bytes], ChunkPath] = {}
    copies: dict[ChunkPath, ChunkPath] = {}
    ordered = sorted(chunks, key=lambda chunk: not chunk.name.is_committed)
    for chunk in ordered:
        key = chunk.name.first, digest(chunk)
        if key in kept:
            copies[chunk] = kept[key]
        else:
            kept[key] = chunk
    places = sorted(kept.values(), key=lambda chunk: (chunk.name.first, chunk.path))
    return places, copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Those who sign for one service.

    Attributes:
        nodes: its nodes.
        identities: its certificates.
        key_ids: digests of its keys.
    """

    nodes: frozenset[NodeId]
    identities: tuple[Certificate, ...]
    key_ids: frozenset[str]

    @classmethod
    def of(cls, keys: Iterable[bytes], chain: Chain) -> Self:
        """Collect the signers of a history; ``keys`` are its services', DER."""
        return cls(
            nodes=frozenset(chain.state.trust.nodes),
            identities=tuple(chain.identities),
            key_ids=frozenset(sha256(key).hex() for key in keys),
        )

    def signed(self, salvaged: Salvaged) -> bool:
        """Return whether the first signature that can be read is by one of the signers.

        Nothing is believed of the file for that: it only says where it belongs.
        """
        for seqno in range(salvaged.name.first, salvaged.last + 1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            try:
                write_set = Transaction.parse(entry).domain.write_set
                if is_signature(write_set):
                    return self._made(
                        write_set.get(SIGNATURES, {}).get(SINGLE_KEY)
                    ) or (
                        self._vouched(
                            write_set.get(COSE_SIGNATURES, {}).get(SINGLE_KEY)
                        )
                    )
            except CcfpyError:
                continue
        return False

    def _made(self, value: bytes | None) -> bool:
        if value is None:
            return False
        signature = NodeSignature.parse(value)
        if signature.node in self.nodes:
            return True
        if signature.certificate is None:
            return False
        shown = Certificate.from_pem(signature.certificate)
        return any(_is_by(shown, identity) for identity in self.identities)

    def _vouched(self, value: bytes | None) -> bool:
        return value is not None and CoseSignature.parse(value).key_id in self.key_ids


def _is_by(shown: Certificate, identity: Certificate) -> bool:
    try:
        shown.verify_signed_by(identity)
    except CcfpyError:
        return False
    return True


NEVER_OPENED = (ServiceStatus.RECOVERING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES)


def given_up(chains: Iterable[Chain]) -> frozenset[ChunkPath]:
    """Return the files that only hold what a service wrote that never opened.

    A recovery begins a file of its own. Where one did not, none is given.

    Raises:
        OSError: a file cannot be read.
    """
    found: set[ChunkPath] = set()
    for chain in chains:
        if chain.status not in NEVER_OPENED:
            continue
        begin = _begin(chain.segments, chain.service)
        if begin is None:
            continue
        chunks = [s.chunk for s in chain.segments] + [t.chunk for t in chain.tails]
        found.update(chunk for chunk in chunks if chunk.name.first >= begin)
    return frozenset(found)


def _begin(segments: Sequence[Segment], service: Certificate) -> Seqno | None:
    """Find where an identity begins with which a history ends."""
    begin: Seqno | None = None
    for segment in reversed(segments):
        salvaged = Salvaged.of(segment.chunk.name, segment.chunk.path.read_bytes())
        for seqno in range(segment.last, segment.first - 1, -1):
            entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
            write_set = Transaction.parse(entry).domain.write_set
            value = write_set.get(SERVICE_INFO, {}).get(SINGLE_KEY)
            if value is None:
                continue
            pem = record.text(json.loads_object(value), "cert")
            if Certificate.from_pem(pem).public_key != service.public_key:
                return begin
            begin = seqno
    return begin
