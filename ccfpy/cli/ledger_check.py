"""``ccfpy ledger check`` and ``repair``: a ledger cut back to what verifies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.audit.in_use import InUse
from ccfpy.audit.readers import Readers
from ccfpy.base.errors import CcfpyError
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.input import YesOption, confirm
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    JsonOption,
    ProcessesOption,
    ReadingProgress,
    chunks_in,
    reading,
)
from ccfpy.cli.output import counted, print_json, print_line

if TYPE_CHECKING:
    from ccfpy.audit.auditor import AuditState
    from ccfpy.audit.chunks import ChunkPath
    from ccfpy.audit.repair import Plan
    from ccfpy.audit.tail import Tail


SnapshotOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where the ledger begins, if its first files are no longer kept.",
    ),
]


def check(
    folders: FoldersArgument,
    *,
    snapshot: SnapshotOption = None,
    processes: ProcessesOption = None,
    json: JsonOption = False,
) -> None:
    """Check which files of a ledger verify, and say what `repair` would do.

    It changes nothing. An end that nobody has signed yet is reported and is no fault;
    damage exits with 1.
    """
    found = planned(folders, snapshot, processes)
    tell(found, json=json)
    if found.is_damaged:
        raise typer.Exit(ExitCode.FAILED)


def planned(
    folders: list[Path], snapshot: Path | None, processes: int | None
) -> "Plan":
    """Read a ledger and plan its repair, with a progress bar on a terminal.

    Raises:
        CommandFailed: there is no ledger, or no part of it verifies.
    """
    chunks = chunks_in(folders, _each_once)
    start = None if snapshot is None else _start(snapshot)
    size = sum(chunk.size_bytes for chunk in chunks)
    with (
        reading(size, processes) as readers,
        ReadingProgress("verifying", size) as progress,
        _told(),
    ):
        return _plan(chunks, readers, start, progress)


def _plan(
    chunks: "list[ChunkPath]",
    readers: Readers,
    start: "AuditState | None",
    progress: ReadingProgress,
) -> "Plan":
    from ccfpy.audit.repair import plan

    return plan(chunks, readers, start=start, on_read=progress.advance)


@contextmanager
def _told() -> Iterator[None]:
    from ccfpy.audit.repair import NotRepairable

    try:
        yield
    except NotRepairable as error:
        raise CommandFailed(str(error)) from error


def _each_once(folders: list[Path]) -> "list[ChunkPath]":
    from ccfpy.audit.repair import all_chunks

    return all_chunks(dict.fromkeys(folder.resolve() for folder in folders))


def _start(path: Path) -> "AuditState":
    from ccfpy.audit.discovery import service_of, state_of
    from ccfpy.ledger.snapshot import Snapshot

    try:
        snapshot = Snapshot.parse(path.read_bytes())
        snapshot.verify(service_of(snapshot))
        return state_of(snapshot)
    except OSError as error:
        raise no_such_file(str(path), error) from error
    except CcfpyError as error:
        raise CommandFailed(f"{path} cannot be begun with: {error}") from error


def tell(found: "Plan", *, json: bool) -> None:
    """Print a plan."""
    if json:
        print_json(as_json(found))
        return
    for end in found.ends:
        print_line(_end_sentence(end, found))
    for chunk in found.gone:
        if all(end.chunk != chunk for end in found.ends):
            print_line(f"{chunk.path}: cannot be reached, or says otherwise")
    if found.missing is not None:
        first, last = found.missing
        print_line(f"MISSING: transactions {first} to {last}, which no file has whole")
    print_line(
        f"The last signature that verifies is {found.last_signed}, of the service with "
        f"certificate {found.service.digest_hex}."
    )
    if not found.is_needed:
        print_line("There is nothing to repair.")
        return
    print_line(f"A repair keeps {counted(found.kept, 'file')} as they are, and")
    for cut in found.cuts:
        print_line(f"  cuts   {cut.chunk.path} after {cut.last}: {cut.becomes}")
    for chunk in found.gone:
        print_line(f"  moves  {chunk.path} away")
    lost = found.last_named - found.last_signed.seqno
    if lost > 0:
        print_line(
            f"Transactions {found.last_signed.seqno + 1} to {found.last_named} would "
            "no longer be in it."
        )


def _end_sentence(end: "Tail", found: "Plan") -> str:
    path, signed = end.chunk.path, found.last_signed.seqno
    if end.damage is not None:
        of = "" if end.damage.seqno is None else f", transaction {end.damage.seqno}"
        return f"DAMAGED: {path} at {end.damage.position}{of}: {end.damage.reason}"
    torn = f"{counted(end.torn_bytes, 'byte')} of an unfinished transaction"
    if end.last <= signed:
        return f"{path}: {torn} at its end"
    count = counted(end.last - signed, "transaction")
    unsigned = f"{path}: {count} that nobody has signed"
    return f"{unsigned}, and {torn}" if end.torn_bytes else unsigned


def as_json(found: "Plan") -> dict[str, object]:
    """Return a plan as one JSON value."""
    return {
        "last_signed": str(found.last_signed),
        "service": found.service.digest_hex,
        "is_damaged": found.is_damaged,
        "is_repair_needed": found.is_needed,
        "files_kept": found.kept,
        "cut": [
            {
                "file": str(cut.chunk.path),
                "last": cut.last,
                "becomes": str(cut.becomes),
            }
            for cut in found.cuts
        ],
        "moved_away": [str(chunk.path) for chunk in found.gone],
        "missing": None if found.missing is None else list(found.missing),
        "last_named": found.last_named,
        "ends": [
            {
                "file": str(end.chunk.path),
                "last": end.last,
                "torn_bytes": end.torn_bytes,
                "position": None if end.damage is None else end.damage.position,
                "damage": None if end.damage is None else end.damage.reason,
            }
            for end in found.ends
        ],
    }


def repair(
    folders: FoldersArgument,
    *,
    backup: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep what is changed below this folder "
            "(default: FOLDER.before-repair beside each).",
        ),
    ] = None,
    snapshot: SnapshotOption = None,
    processes: ProcessesOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Cut a ledger back to the last signature that verifies, and no further.

    Files that change or go are put into a backup first. A repair that is interrupted
    is completed by the next. No node may be running on the files.
    """
    from ccfpy.audit.repair import carry_out

    found = planned(folders, snapshot, processes)
    if not json:
        tell(found, json=False)
    kept: list[Path] = []
    if found.is_needed:
        confirm("Repair it?", yes=yes)
        try:
            kept = carry_out(found, backup=_backups(backup))
        except InUse as error:
            raise CommandFailed(f"{error}; nothing was changed") from error
        except OSError as error:
            raise no_such_file(str(error.filename), error) from error
    if json:
        print_json({**as_json(found), "backups": [str(path) for path in kept]})
        return
    for path in kept:
        print_line(f"Repaired. What was there is in {path}.")


def _backups(below: Path | None) -> Callable[[Path], Path]:
    from ccfpy.audit.repair import default_backup

    if below is None:
        return default_backup
    if below.exists() and (not below.is_dir() or any(below.iterdir())):
        raise Misused(f"{below} is there already and not empty: choose another")
    target = below.resolve()
    given: set[str] = set()

    def place(folder: Path) -> Path:
        name, number = folder.name, 2
        while name in given:
            name, number = f"{folder.name}-{number}", number + 1
        given.add(name)
        return target / name

    return place
