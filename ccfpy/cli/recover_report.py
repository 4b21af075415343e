"""What ``ccfpy recover`` says of the files that it found, before anything is done."""

from collections.abc import Iterator, Sequence

from ccfpy.audit.chains import Chain
from ccfpy.audit.discovery import SnapshotFound
from ccfpy.audit.inspection import FileReport, Inspection, Role, ServiceFound
from ccfpy.audit.shareholders import Shareholder, Shareholders
from ccfpy.cli.output import counted

ACKNOWLEDGED = (
    "acknowledged writes: those count that a node reported as Committed; an answer "
    "without that report is no promise"
)
_QUIET = (Role.TAKEN, Role.COPY, Role.BEFORE)


def print_inspection(found: Inspection, members: Sequence[Shareholders]) -> None:
    """Print an inspection for people."""
    has_choice = len(found.services) > 1
    for service, holders in zip(found.services, members, strict=True):
        for line in _service(service, holders, with_files=has_choice):
            print(line)
    if found.unclaimed:
        print("Of no service that can be restored, or after files that are missing:")
        for report in found.unclaimed:
            print(f"  {_file(report)}")
    for snapshot in found.refused:
        reason = snapshot.trouble or "of nothing that can be restored"
        print(f"Not used: {snapshot.path}: {reason}")
    if found.provisional:
        print(
            f"Not used: {counted(len(found.provisional), 'file')} of recoveries that "
            f"were not finished, such as {found.provisional[0]}"
        )
    if found.set_aside:
        print(
            f"Not used: {counted(len(found.set_aside), 'file')} from which a node did "
            f"not go on, such as {found.set_aside[0]}"
        )


def _service(
    service: ServiceFound, holders: Shareholders, *, with_files: bool
) -> Iterator[str]:
    chain = service.chain
    count = len(chain.identities) - 1
    times = f", recovered {counted(count, 'time')} before" if count > 0 else ""
    yield f"Service {service.certificate.digest_hex}"
    yield f"  was {chain.status}{times}; what is restored ends at {chain.last}"
    if chain.segments:
        files = counted(len({segment.chunk for segment in chain.segments}), "file")
        yield (
            f"  ledger: transactions {chain.first} to {chain.last.seqno}, of {files}; "
            f"known to be committed: {_up_to(service)}"
        )
    if service.snapshots:
        name = service.snapshots[0].path.name
        rest = ", without which nothing is" if chain.first > 1 else ""
        yield f"  snapshot: {name}{rest}"
    if not service.can_begin:
        yield (
            f"  cannot be restored: {_range(1, chain.first - 1)} are missing, and no "
            "snapshot is of the identity that was lost"
        )
    elif chain.first > 1:
        yield f"  history: {_history(service)}"
    yield f"  members: {_needed(holders)}"
    for member in holders.members:
        yield f"    {_member(member)}"
    yield from _losses(service)
    yield f"  {ACKNOWLEDGED}"
    shown = [
        report
        for report in service.files
        if with_files or report.role not in _QUIET or report.end is not None
    ]
    if shown:
        yield "  files:"
    for report in shown:
        yield f"    {_file(report)}"


def _up_to(service: ServiceFound) -> str:
    return f"up to {service.committed}" if service.committed else "nothing"


def _history(service: ServiceFound) -> str:
    """Say what becomes of transactions before the snapshot that is needed."""
    before = [report for report in service.files if report.role is Role.BEFORE]
    left = f"; {counted(len(before), 'file')} of it stay where they are"
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


def _member(member: Shareholder) -> str:
    held = {"Owner": "has the whole key"}.get(member.role, "has a share")
    return f"{member.id}  {member.status}, " + (
        held if member.has_share else "has no share"
    )


def _losses(service: ServiceFound) -> Iterator[str]:
    last = service.chain.last.seqno
    if service.first_lost is None:
        yield "  lost: nothing that is known of"
    else:
        why = "which nobody had signed" if service.is_whole else "see below"
        yield f"  lost: {_range(last + 1, service.last_named)}, {why}"
    for first, until in service.missing:
        yield f"  missing: {_range(first, until)} ({_chunk(first, until)})"
    for fork in service.forks:
        yield f"  not restored: another history of it, which ends at {fork.last}"


def _range(first: int, last: int) -> str:
    if first == last:
        return f"transaction {first}"
    return f"transactions {first} to {last}"


def _chunk(first: int, last: int) -> str:
    return f"ledger_{first}-{last}, or several files"


def _file(report: FileReport) -> str:
    end, words = report.end, [str(report.role)]
    if end is not None and end.damage is not None:
        words.append(f"at {end.damage.position}: {end.damage.reason}")
    elif end is not None:
        if report.role is Role.UNSIGNED:
            words.clear()
        words.append(f"unsigned to {end.last}")
        if end.torn_bytes:
            torn = counted(end.torn_bytes, "byte")
            words.append(f"{torn} of an unfinished transaction")
    return f"{report.chunk.path}: {', '.join(words)}"


def as_json(found: Inspection, members: Sequence[Shareholders]) -> dict[str, object]:
    """Return everything as one JSON value."""
    return {
        "step": "inspected",
        "services": [
            _service_json(service, holders)
            for service, holders in zip(found.services, members, strict=True)
        ],
        "unclaimed": [_file_json(report) for report in found.unclaimed],
        "snapshots_refused": [
            {"file": str(each.path), "reason": each.trouble} for each in found.refused
        ],
        "provisional": [str(path) for path in found.provisional],
        "set_aside": [str(path) for path in found.set_aside],
    }


def _service_json(service: ServiceFound, holders: Shareholders) -> dict[str, object]:
    chain = service.chain
    return {
        "service": service.certificate.digest_hex,
        "certificate": service.certificate.pem,
        "status": str(chain.status),
        "identities": [each.digest_hex for each in chain.identities],
        "first": chain.first,
        "last_signed": str(chain.last),
        "known_committed": service.committed,
        "lost": None
        if service.first_lost is None
        else [service.first_lost, service.last_named],
        "can_begin": service.can_begin,
        "missing": [list(gap) for gap in service.missing],
        "is_whole": service.is_whole,
        "forks": [_fork_json(fork) for fork in service.forks],
        "files": [_file_json(report) for report in service.files],
        "snapshots": [_snapshot_json(each) for each in service.snapshots],
        "recovery_threshold": holders.threshold,
        "members": [
            {
                "id": member.id,
                "status": member.status,
                "role": member.role,
                "has_share": member.has_share,
                "data": member.data,
            }
            for member in holders.members
        ],
    }


def _fork_json(fork: Chain) -> dict[str, object]:
    return {
        "last_signed": str(fork.last),
        "service": fork.service.digest_hex,
        "files": sorted({str(segment.chunk.path) for segment in fork.segments}),
    }


def _file_json(report: FileReport) -> dict[str, object]:
    end = report.end
    damage = None if end is None else end.damage
    return {
        "file": str(report.chunk.path),
        "role": str(report.role),
        "unsigned_to": None if end is None or damage is not None else end.last,
        "torn_bytes": 0 if end is None else end.torn_bytes,
        "damage": None if damage is None else damage.reason,
        "position": None if damage is None else damage.position,
    }


def _snapshot_json(snapshot: SnapshotFound) -> dict[str, object]:
    return {"file": str(snapshot.path), "seqno": snapshot.name.seqno}
