"""``ccfpy ledger repair``: a ledger cut back to the last signature that verifies."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ccfpy.audit.in_use import InUse
from ccfpy.cli.confirm import YesOption, confirm
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.ledger_check import SnapshotOption, as_json, planned, tell
from ccfpy.cli.ledger_files import FoldersArgument, JsonOption, ProcessesOption
from ccfpy.cli.output import print_json, print_line


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
