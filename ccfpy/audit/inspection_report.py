"""What is found of lost services, in words: for a terminal, and for the console's page.

Nothing is left out that ``ccfpy recover --inspect`` says. The words are made here once,
so that an operator at a terminal and a member at a page read the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ccfpy.audit.discovery import Leftovers
from ccfpy.audit.inspection import FileReport, Inspection, Role, ServiceFound, inspect
from ccfpy.audit.readers import Readers
from ccfpy.audit.shareholders import Shareholder, Shareholders, read_shareholders

ACKNOWLEDGED = (
    "those count that a node reported as Committed; an answer without that report is "
    "no promise"
)
_QUIET = (Role.TAKEN, Role.COPY, Role.BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One thing that is said of a service; ``is_bad`` if a reader must not miss it."""

    label: str
    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """A member of a lost service, and what the member has of the key, in words."""

    id: str
    text: str
    has_share: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """What can be restored of a service, who must help, and what is lost.

    Attributes:
        service: the SHA-256 digest of its certificate, in hex.
        ending: what it was, and where the restored history ends.
        restored: what is restored, and from what.
        shares: how many shares are needed.
        lost: what is lost, and which writes count.
        files: the files that an operator should look at.
        can_begin: whether a node can begin with what is there.
    """

    service: str
    ending: str
    restored: tuple[ReportLine, ...]
    shares: str
    members: tuple[MemberLine, ...]
    lost: tuple[ReportLine, ...]
    files: tuple[ReportLine, ...]
    can_begin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionReport:
    """An inspection in words.

    Attributes:
        unclaimed: files of no service that can be restored.
        unused: what is not used, and why.
        is_whole: whether everything that was signed can be restored, as far as is
            known.
    """

    services: tuple[ServiceReport, ...]
    unclaimed: tuple[ReportLine, ...]
    unused: tuple[str, ...]
    is_whole: bool


def inspect_with_members(
    found: Leftovers,
    readers: Readers,
    *,
    on_read: Callable[[int], None] = lambda _count: None,
) -> tuple[Inspection, list[Shareholders]]:
    """Inspect files, and read the members of each service in them.

    Raises:
        Malformed: a record of a member has not its form.
        OSError: a file cannot be read.
        ReaderLost: a process that reads is lost.
    """
    inspected = inspect(found, readers, on_read=on_read)
    members = []
    for service in inspected.services:
        begin = service.snapshots[0].path if service.snapshots else None
        members.append(read_shareholders(service.chain.segments, begin))
    return inspected, members


def report_of(found: Inspection, members: Sequence[Shareholders]) -> InspectionReport:
    """Describe an inspection.

    Args:
        found: the inspection.
        members: of each service found, in the same order.
    """
    has_choice = len(found.services) > 1
    return InspectionReport(
        services=tuple(
            _service(service, holders, with_files=has_choice)
            for service, holders in zip(found.services, members, strict=True)
        ),
        unclaimed=tuple(map(_file, found.unclaimed)),
        unused=tuple(_unused(found)),
        is_whole=found.is_whole,
    )


def _unused(found: Inspection) -> Iterator[str]:
    for snapshot in found.refused:
        reason = snapshot.trouble or "of nothing that can be restored"
        yield f"{snapshot.path}: {reason}"
    if found.provisional:
        yield (
            f"{_counted(len(found.provisional), 'file')} of recoveries that were not "
            f"finished, such as {found.provisional[0]}"
        )
    if found.set_aside:
        yield (
            f"{_counted(len(found.set_aside), 'file')} from which a node did not go "
            f"on, such as {found.set_aside[0]}"
        )


def _service(
    service: ServiceFound, holders: Shareholders, *, with_files: bool
) -> ServiceReport:
    chain = service.chain
    count = len(chain.identities) - 1
    times = f", recovered {_counted(count, 'time')} before" if count > 0 else ""
    return ServiceReport(
        service=service.certificate.digest_hex,
        ending=f"was {chain.status}{times}; what is restored ends at {chain.last}",
        restored=tuple(_restored(service)),
        shares=_needed(holders),
        members=tuple(map(_member, holders.members)),
        lost=tuple(_losses(service)),
        files=tuple(
            _file(report)
            for report in service.files
            if with_files or report.role not in _QUIET or report.end is not None
        ),
        can_begin=service.can_begin,
    )


def _restored(service: ServiceFound) -> Iterator[ReportLine]:
    chain = service.chain
    if chain.segments:
        files = _counted(len({segment.chunk for segment in chain.segments}), "file")
        yield ReportLine(
            label="ledger",
            text=f"transactions {chain.first} to {chain.last.seqno}, of {files}; known "
            f"to be committed: {_up_to(service)}",
        )
    if service.snapshots:
        name = service.snapshots[0].path.name
        rest = ", without which nothing is" if chain.first > 1 else ""
        yield ReportLine(label="snapshot", text=f"{name}{rest}")
    if not service.can_begin:
        yield ReportLine(
            label="cannot be restored",
            text=f"{_range(1, chain.first - 1)} are missing, and no snapshot is of the "
            "identity that was lost",
            is_bad=True,
        )
    elif chain.first > 1:
        yield ReportLine(label="history", text=_history(service))


def _up_to(service: ServiceFound) -> str:
    return f"up to {service.committed}" if service.committed else "nothing"


def _history(service: ServiceFound) -> str:
    """Say what becomes of transactions before the snapshot that is needed."""
    before = [report for report in service.files if report.role is Role.BEFORE]
    left = f"; {_counted(len(before), 'file')} of it stay where they are"
    return (
        f"{_range(1, service.chain.first - 1)} count, and cannot be read again"
        f"{left if before else ''}"
    )


def _needed(holders: Shareholders) -> str:
    if not holders.holding:
        return "none has a recovery share"
    owners = any(member.role == "Owner" for member in holders.holding)
    or_one = ", or one owner's key" if owners else ""
    needed = (
        "1 share is" if holders.threshold == 1 else f"{holders.threshold} shares are"
    )
    return f"{needed} needed{or_one}"


def _member(member: Shareholder) -> MemberLine:
    held = {"Owner": "has the whole key"}.get(member.role, "has a share")
    return MemberLine(
        id=member.id,
        text=f"{member.status}, {held if member.has_share else 'has no share'}",
        has_share=member.has_share,
    )


def _losses(service: ServiceFound) -> Iterator[ReportLine]:
    last = service.chain.last.seqno
    if service.first_lost is None:
        yield ReportLine(label="lost", text="nothing that is known of")
    else:
        why = "which nobody had signed" if service.is_whole else "see below"
        yield ReportLine(
            label="lost",
            text=f"{_range(last + 1, service.last_named)}, {why}",
            is_bad=not service.is_whole,
        )
    for first, until in service.missing:
        yield ReportLine(
            label="missing",
            text=f"{_range(first, until)} ({_chunk(first, until)})",
            is_bad=True,
        )
    for fork in service.forks:
        yield ReportLine(
            label="not restored",
            text=f"another history of it, which ends at {fork.last}",
            is_bad=True,
        )
    yield ReportLine(label="acknowledged writes", text=ACKNOWLEDGED)


def _range(first: int, last: int) -> str:
    if first == last:
        return f"transaction {first}"
    return f"transactions {first} to {last}"


def _chunk(first: int, last: int) -> str:
    return f"ledger_{first}-{last}, or several files"


def _file(report: FileReport) -> ReportLine:
    end, words = report.end, [str(report.role)]
    damage = None if end is None else end.damage
    if damage is not None:
        words.append(f"at {damage.position}: {damage.reason}")
    elif end is not None:
        if report.role is Role.UNSIGNED:
            words.clear()
        words.append(f"unsigned to {end.last}")
        if end.torn_bytes:
            torn = _counted(end.torn_bytes, "byte")
            words.append(f"{torn} of an unfinished transaction")
    return ReportLine(
        label=str(report.chunk.path),
        text=", ".join(words),
        is_bad=damage is not None or report.role in (Role.DAMAGED, Role.BEYOND),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
