"""The files that ``ccfpy recover`` found: reported, and gathered for the first node.

The node is given exactly what verifies, in folders of its own. Files that are whole and
committed are linked where possible. No file that was found is changed.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ccfpy.audit.chains import Chain
from ccfpy.audit.discovery import SnapshotFound
from ccfpy.audit.inspection import FileReport, Inspection, ServiceFound
from ccfpy.audit.inspection_report import ServiceReport, report_of
from ccfpy.audit.shareholders import Shareholders
from ccfpy.audit.tail import Salvaged, Segment
from ccfpy.cli.output import print_line
from ccfpy.ledger.chunk import PRIVATE_MODE
from ccfpy.local.configuration import Remains


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders for the files.

    Attributes:
        ledger: files that are not committed, of which the node makes a copy.
        committed: committed files.
        snapshots: one snapshot, or none.
    """

    ledger: Path
    committed: Path
    snapshots: Path

    @classmethod
    def below(cls, folder: Path) -> "Folders":
        """Make the folders."""
        made = cls(
            ledger=folder / "ledger",
            committed=folder / "committed",
            snapshots=folder / "snapshots",
        )
        for path in (made.ledger, made.committed, made.snapshots):
            path.mkdir(mode=PRIVATE_MODE, parents=True)
        return made


def gather(chain: Chain, snapshot: SnapshotFound | None, folder: Path) -> Remains:
    """Gather the files that a service is restored from.

    Raises:
        OSError: a file cannot be read or written.
    """
    folders = Folders.below(folder)
    for segment in chain.segments:
        _put(segment, folders, is_last=segment is chain.segments[-1])
    if snapshot is not None:
        _link(snapshot.path, folders.snapshots / snapshot.path.name)
    identity = folder / "lost_cert.pem"
    identity.write_text(chain.service.pem)
    return Remains(
        identity=identity,
        ledger=folders.ledger,
        read_only=[folders.committed],
        snapshots=None if snapshot is None else folders.snapshots,
    )


def _put(segment: Segment, folders: Folders, *, is_last: bool) -> None:
    name, path = segment.chunk.name, segment.chunk.path
    target = folders.committed if name.is_committed else folders.ledger
    if segment.is_whole and (is_last or not name.is_open):
        put = _link if name.is_committed else shutil.copyfile
        put(path, target / str(name))
        return
    salvaged = Salvaged.of(name, path.read_bytes())
    part, data = salvaged.complete(segment.first, segment.last)
    if name.is_committed:
        part = part.committed()
    (target / str(part)).write_bytes(data)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another disk, or somebody else's file
        shutil.copyfile(path, target)
