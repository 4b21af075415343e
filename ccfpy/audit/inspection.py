"""Which services the files found belong to, what can be restored of each, what is lost.

A *service* is the identity with which a history ends. If another history's service was
recovered from that identity, the history is an earlier end of the recovered service,
and not a separate service. Of several histories of one service, the history with the
last signature of the highest view continues, and of these the longest: an election
would have chosen this history.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ccfpy.audit.chains import (
    Chain,
    ChainSearch,
    Signers,
    StartRefuted,
    given_up,
    without_copies,
)
from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.discovery import Leftovers, SnapshotFound
from ccfpy.audit.fast_path import Begun, begin
from ccfpy.audit.readers import Readers
from ccfpy.audit.repair import digest_of
from ccfpy.audit.tail import Tail
from ccfpy.base.ids import Seqno
from ccfpy.crypto.certs import Certificate

OF_EARLIER_IDENTITY = "of an identity that the service had before"


class Role(StrEnum):
    """What a file is to a service."""

    TAKEN = "taken"
    """Its entries are restored, all or some."""
    COPY = "copy"
    """It has nothing that others have not."""
    FORK = "fork"
    """It has signed entries that are not restored, since others were chosen."""
    UNSIGNED = "unsigned"
    """It goes on after what is restored, and nobody has signed anything in it."""
    BEFORE = "before"
    """It ends before the snapshot with which what is restored begins."""
    DAMAGED = "damaged"
    """Nothing of it verifies after what is restored."""
    BEYOND = "beyond"
    """Something is missing before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One ledger file.

    Attributes:
        chunk: the file.
        role: what it is to its service, or by itself.
        end: what it has after the last signature in it that verifies.
    """

    chunk: ChunkPath
    role: Role
    end: Tail | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFound:
    """One service.

    Attributes:
        chain: the history that is restored.
        forks: other histories of the service, which are not restored.
        files: its ledger files.
        snapshots: its snapshots that verify and belong to the restored history; a node
            cannot start from a snapshot of an earlier identity.
        committed: up to where files are named as committed.
        missing: transactions that no file has, though later ones are known.
        last_named: the last seqno that any file names.
    """

    chain: Chain
    forks: Sequence[Chain]
    files: Sequence[FileReport]
    snapshots: Sequence[SnapshotFound]
    committed: Seqno
    missing: Sequence[tuple[Seqno, Seqno]]
    last_named: Seqno

    @property
    def certificate(self) -> Certificate:
        """The certificate of the identity that was lost."""
        return self.chain.service

    @property
    def can_begin(self) -> bool:
        """Whether a node can begin with what is at hand, as it does in CCF."""
        return self.chain.first == 1 or bool(self.snapshots)

    @property
    def first_lost(self) -> Seqno | None:
        """The first transaction that is not restored, if any is known of."""
        last = self.chain.last.seqno
        return last + 1 if self.last_named > last else None

    @property
    def is_whole(self) -> bool:
        """Whether no more is lost than what nobody had signed."""
        tails = [report.end for report in self.files if report.end is not None]
        return not (
            self.missing
            or any(tail.damage is not None for tail in tails)
            or any(report.role in (Role.DAMAGED, Role.BEYOND) for report in self.files)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the files found are.

    Attributes:
        services: those of which something can be restored.
        unclaimed: ledger files that belong to none of them.
        refused: snapshots that do not verify, or belong to none.
        provisional: files of recoveries that were not finished.
        set_aside: files that a node did not go on from.
    """

    services: Sequence[ServiceFound]
    unclaimed: Sequence[FileReport]
    refused: Sequence[SnapshotFound]
    provisional: Sequence[Path]
    set_aside: Sequence[Path] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that was signed can be restored, as far as is known.

        Files of no service may be what a service wrote after others that are missing.
        """
        return not self.unclaimed and all(
            each.is_whole and each.can_begin for each in self.services
        )


def inspect(
    found: Leftovers,
    readers: Readers,
    *,
    on_read: Callable[[int], None] = lambda _count: None,
) -> Inspection:
    """Look at what was found.

    Raises:
        OSError: a file cannot be read.
        ReaderLost: a process that reads is lost.
    """
    distinct, copies = without_copies(found.chunks, digest_of)
    search, chains = _explore(distinct, readers, on_read)
    if unopened := given_up(chains):
        unopened |= {copy for copy, kept in copies.items() if kept in unopened}
        found = replace(
            found,
            chunks=[each for each in found.chunks if each not in unopened],
            provisional=[*found.provisional, *sorted(each.path for each in unopened)],
        )
        return inspect(found, readers)
    snapshots = list(found.snapshots)
    for at, snapshot in enumerate(snapshots):
        try:
            chains += _after(snapshot, search, chains)
        except StartRefuted as error:
            snapshots[at] = replace(
                snapshot, service=None, state=None, trouble=str(error)
            )
    groups = _grouped(chains)
    reports = _Reports(search, copies, groups)
    services = [reports.service(best, forks, snapshots) for best, forks in groups]
    used = {each.path for service in services for each in service.snapshots}
    return Inspection(
        services=services,
        unclaimed=reports.unclaimed(),
        refused=[_refused(each, groups) for each in snapshots if each.path not in used],
        provisional=found.provisional,
        set_aside=found.set_aside,
    )


def _refused(
    snapshot: SnapshotFound, groups: Sequence[tuple[Chain, Sequence[Chain]]]
) -> SnapshotFound:
    """Explain why a snapshot of a service that was found is not used."""
    if snapshot.service is not None:
        key = snapshot.service.public_key.der
        if any(key in lineage(best)[:-1] for best, _ in groups):
            return replace(snapshot, trouble=OF_EARLIER_IDENTITY)
    return snapshot


def _explore(
    chunks: Sequence[ChunkPath], readers: Readers, on_read: Callable[[int], None]
) -> tuple[ChainSearch, list[Chain]]:
    begun = begin(chunks, readers, on_read=on_read)
    search = ChainSearch(chunks=chunks, on_read=on_read)
    try:
        return search, list(
            search.chains(
                begun.state, identities=begun.identities, before=begun.segments
            )
        )
    except StartRefuted:
        search = ChainSearch(chunks=chunks, on_read=on_read)
        return search, list(search.chains(Begun().state))


def _after(
    snapshot: SnapshotFound, search: ChainSearch, chains: Sequence[Chain]
) -> Sequence[Chain]:
    """Find what follows a snapshot, if that is not known already."""
    if snapshot.state is None or snapshot.service is None:
        return ()
    key = snapshot.service.public_key.der
    seqno = snapshot.name.seqno
    for chain in chains:
        if key in lineage(chain) and chain.first <= seqno <= chain.last.seqno:
            return ()
    return list(search.chains(snapshot.state, identities=[snapshot.service]))


def lineage(chain: Chain) -> list[bytes]:
    """Return the keys of the identities that a history is known to be of, in order."""
    previous = chain.state.trust.previous_service
    known = [each.public_key.der for each in chain.identities]
    if previous is not None and previous.public_key.der not in known:
        known.insert(0, previous.public_key.der)
    return known


def _rank(chain: Chain) -> tuple[int, int, int]:
    return chain.last.view, chain.last.seqno, -chain.first


def _grouped(chains: Sequence[Chain]) -> list[tuple[Chain, list[Chain]]]:
    """Return each service's best history, with those that it replaces."""
    best: dict[bytes, Chain] = {}
    for chain in sorted(chains, key=_rank):
        best[chain.service.public_key.der] = chain
    earlier = {key for chain in best.values() for key in lineage(chain)[:-1]}
    return [
        (
            chain,
            [
                each
                for each in chains
                if each is not chain
                and _is_of(each, chain)
                and each.last.seqno >= chain.first
            ],
        )
        for key, chain in best.items()
        if key not in earlier
    ]


def _is_of(chain: Chain, best: Chain) -> bool:
    return chain.service.public_key.der in lineage(best)


class _Reports:
    """What each file is, once the services are known."""

    def __init__(
        self,
        search: ChainSearch,
        copies: Mapping[ChunkPath, ChunkPath],
        groups: Sequence[tuple[Chain, Sequence[Chain]]],
    ) -> None:
        self._search = search
        self._copies = copies
        self._signers = [Signers.of(lineage(best), best) for best, _ in groups]
        self._groups = groups
        self._owners = {chunk: self._owner(chunk) for chunk in search.chunks}

    def _owner(self, chunk: ChunkPath) -> int | None:
        """Return whose a file is: by the history it led to, or by the signer in it."""
        for at, (best, forks) in enumerate(self._groups):
            if any(s.chunk == chunk for each in (best, *forks) for s in each.segments):
                return at
        reached = self._search.reached.get(chunk, {})
        for at, (best, _) in enumerate(self._groups):
            keys = lineage(best)
            if any(each.public_key.der in keys for each in reached.values()):
                return at
        salvaged = self._search.salvage(chunk)
        for at, signers in enumerate(self._signers):
            if signers.signed(salvaged):
                return at
        ending = [
            at
            for at, (best, forks) in enumerate(self._groups)
            if any(t.chunk == chunk for each in (best, *forks) for t in each.tails)
        ]
        return ending[0] if len(ending) == 1 else None

    def service(
        self,
        best: Chain,
        forks: Sequence[Chain],
        snapshots: Sequence[SnapshotFound],
    ) -> ServiceFound:
        at = next(i for i, (each, _) in enumerate(self._groups) if each is best)
        own = [chunk for chunk, owner in self._owners.items() if owner == at]
        files = [self._report(chunk, best, forks) for chunk in own]
        files += [
            FileReport(chunk=copy, role=Role.COPY, end=None)
            for copy, kept in self._copies.items()
            if self._owners[kept] == at
        ]
        named = [
            max(chunk.name.last or 0, self._search.read_to.get(chunk, 0))
            for chunk in own
        ]
        key = best.service.public_key.der
        return ServiceFound(
            chain=best,
            forks=forks,
            files=sorted(
                files,
                key=lambda report: (
                    report.chunk.name.first,
                    report.role,
                    report.chunk.path,
                ),
            ),
            snapshots=[
                each
                for each in snapshots
                if each.service is not None
                and each.service.public_key.der == key
                and each.name.seqno <= best.last.seqno
            ],
            committed=max(
                (s.last for s in best.segments if s.chunk.name.is_committed), default=0
            ),
            missing=_missing(best, own, self._search),
            last_named=max([best.last.seqno, *named]),
        )

    def _report(
        self, chunk: ChunkPath, best: Chain, forks: Sequence[Chain]
    ) -> FileReport:
        end = self._search.ends.get(chunk)
        if any(segment.chunk == chunk for segment in best.segments):
            role = Role.TAKEN
        elif max(self._search.read_to.get(chunk, 0), chunk.name.last or 0) < best.first:
            role = Role.BEFORE
        elif any(s.chunk == chunk for fork in forks for s in fork.segments):
            role = Role.FORK
        elif self._search.reached.get(chunk):
            role = Role.COPY
        elif end is not None and end.damage is not None:
            role = Role.DAMAGED
        elif any(tail.chunk == chunk for tail in best.tails):
            role = Role.UNSIGNED
        elif chunk.name.first <= best.last.seqno + 1:
            role = Role.COPY
        else:
            role = Role.BEYOND
        return FileReport(chunk=chunk, role=role, end=end)

    def unclaimed(self) -> list[FileReport]:
        """Return the files of no service, and their copies."""
        nobody = [chunk for chunk, owner in self._owners.items() if owner is None]
        nobody += [
            copy for copy, kept in self._copies.items() if self._owners[kept] is None
        ]
        return [
            FileReport(
                chunk=chunk,
                role=Role.BEYOND
                if self._search.read_to.get(chunk, 0)
                else Role.DAMAGED,
                end=self._search.ends.get(chunk),
            )
            for chunk in nobody
        ]


def _missing(
    best: Chain, chunks: Iterable[ChunkPath], search: ChainSearch
) -> list[tuple[Seqno, Seqno]]:
    """Find what lies between the end of what is restored and what is named after it."""
    following = best.last.seqno + 1
    gaps = []
    for chunk in sorted(chunks, key=lambda chunk: chunk.name.first):
        last = max(chunk.name.last or 0, search.read_to.get(chunk, 0))
        if chunk.name.first > following:
            gaps.append((following, chunk.name.first - 1))
        following = max(following, last + 1)
    return gaps
