"""What ``ccfpy recover`` says of the files that it found, before anything is done."""

from collections.abc import Sequence

from ccfpy.audit.chains import Chain
from ccfpy.audit.discovery import SnapshotFound
from ccfpy.audit.inspection import FileReport, Inspection, ServiceFound
from ccfpy.audit.inspection_report import ServiceReport, report_of
from ccfpy.audit.shareholders import Shareholders
from ccfpy.cli.output import print_line


def print_inspection(found: Inspection, members: Sequence[Shareholders]) -> None:
    """Print an inspection for people."""
    report = report_of(found, members)
    for service in report.services:
        _print_service(service)
    if report.unclaimed:
        print_line(
            "Of no service that can be restored, or after files that are missing:"
        )
        for line in report.unclaimed:
            print_line(f"  {line.label}: {line.text}")
    for unused in report.unused:
        print_line(f"Not used: {unused}")


def _print_service(service: ServiceReport) -> None:
    print_line(f"Service {service.service}")
    print_line(f"  {service.ending}")
    for line in service.restored:
        print_line(f"  {line.label}: {line.text}")
    print_line(f"  members: {service.shares}")
    for member in service.members:
        print_line(f"    {member.id}  {member.text}")
    for line in service.lost:
        print_line(f"  {line.label}: {line.text}")
    if service.files:
        print_line("  files:")
    for line in service.files:
        print_line(f"    {line.label}: {line.text}")


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
