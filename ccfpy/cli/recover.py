"""``ccfpy recover``: a lost service restored from the files that are left of it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.audit.in_use import writers
from ccfpy.base.json import Json
from ccfpy.cli import completion
from ccfpy.cli.addresses import named_anywhere, placements
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.input import YesOption, confirm
from ccfpy.cli.ledger_files import (
    ProcessesOption,
    ReadingProgress,
    failing_plainly,
    reading,
)
from ccfpy.cli.options import with_options
from ccfpy.cli.output import counted, print_json
from ccfpy.cli.sandbox import ELECTION_TIMEOUT_MS, NodeOption
from ccfpy.cli.signing import DecrypterOptions, KeyOptions
from ccfpy.cli.terminal import progress_console, text_console

if TYPE_CHECKING:
    from ccfpy.audit.discovery import Leftovers
    from ccfpy.audit.inspection import Inspection, ServiceFound
    from ccfpy.audit.shareholders import Shareholders
    from ccfpy.cli.recover_run import Task
    from ccfpy.local.configuration import Remains, ServiceOptions


LABEL = "recovered"
SEALED_SUFFIX = ".sealed.json"
SEALED_FOLDER = "sealed"
"""Where the new service's nodes seal their secrets, if the lost service's nodes did."""

FoldersArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER...",
        help="Where ledgers and snapshots lie, of any nodes, in any order; the "
        "folders in them are searched too.",
    ),
]
InspectOption: TypeAlias = Annotated[
    bool, typer.Option("--inspect", help="Say what can be restored; do nothing.")
]
ServiceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DIGEST",
        help="Which service, by the beginning of its certificate's digest; asked for "
        "if there are several.",
    ),
]
IdentityOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The lost service's certificate, if you have it: nothing else is then "
        "recovered.",
    ),
]
MembersOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FOLDER/NAME",
        help="A member's key files, such as keys/member0: it acknowledges, votes and "
        "hands in its share.",
    ),
]
SealedOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where a node of the lost service kept its sealed ledger secrets, to be "
        "used in place of shares.",
    ),
]
ConstitutionOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="SCRIPT",
        help="A new constitution, script after script, which members decide on first.",
    ),
]
AppOption: TypeAlias = Annotated[
    str,
    typer.Option(
        help="The app that it ran: a sample's name, or a path.",
        autocompletion=completion.apps,
    ),
]
WorkspaceOption: TypeAlias = Annotated[
    Path, typer.Option(help="Where the new nodes keep everything.")
]
SnapshotsOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--snapshots/--no-snapshots", help="Begin with a snapshot where there is one."
    ),
]
DetachOption: TypeAlias = Annotated[
    bool,
    typer.Option("--detach", help="Do what can be done, and leave the nodes running."),
]
TimeoutOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", min=0, help="Give up if other members take longer."
    ),
]
LogLevelOption: TypeAlias = Annotated[str, typer.Option(help="The nodes' log level.")]
StepsOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value for each step.")
]


@with_options
def recover(  # noqa: PLR0913  # every question has its option
    folders: FoldersArgument,
    *,
    inspect_only: InspectOption = False,
    service: ServiceOption = None,
    identity: IdentityOption = None,
    member: MembersOption = None,
    keys: KeyOptions,
    opener: DecrypterOptions,
    sealed: SealedOption = None,
    constitution: ConstitutionOption = None,
    app: AppOption = "js_generic",
    node: NodeOption = None,
    workspace: WorkspaceOption = Path("workspace"),
    snapshots: SnapshotsOption = True,
    detach: DetachOption = False,
    timeout: TimeoutOption = None,
    log_level: LogLevelOption = "info",
    processes: ProcessesOption = None,
    yes: YesOption = False,
    json: StepsOption = False,
) -> None:
    """Bring a lost service back from its files and its members.

    The files are ledgers and snapshots. It says what will be restored and what is lost,
    asks, starts a node that recovers the public state, tells which members must hand in
    shares, hands in those of members whose keys are given, and ends with the service
    open. --inspect exits with 1 if more is lost than what nobody had signed.
    """
    from ccfpy.cli.recover_members import choose_service, members_at_hand
    from ccfpy.cli.recover_run import Task

    found, members = _look(folders, processes, as_json=json)
    if inspect_only:
        raise typer.Exit(ExitCode.OK if found.is_whole else ExitCode.FAILED)
    _require_nobody_writes(folders)
    chosen = choose_service(found, service, identity, asks=not yes)
    holders = members[found.services.index(chosen)]
    actions = _set_constitution(constitution)
    _require_sealed(sealed)
    at_hand = members_at_hand(member or [], keys, opener, holders)
    places = placements(node or [])
    if actions and not at_hand:
        raise Misused("--constitution needs a member at hand who proposes it: --member")
    confirm(_question(found, chosen), yes=yes)
    label = _label(workspace)
    task = Task(
        options=_options(workspace, label, app, log_level, seals=sealed is not None),
        placements=places,
        remains=replace(
            _remains(chosen, workspace / f"{label}_remains", snapshots=snapshots),
            sealed=sealed,
        ),
        last_signed=chosen.chain.last.seqno,
        holders=holders,
        members=at_hand,
        before=actions,
        timeout_s=timeout,
    )
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(_run(task, detach=detach, json=json))


def _look(
    folders: Sequence[Path], processes: int | None, *, as_json: bool
) -> "tuple[Inspection, list[Shareholders]]":
    """Inspect the files, print the result, and require that there is a service."""
    from ccfpy.cli.recover_files import as_json as inspection_json
    from ccfpy.cli.recover_files import print_inspection

    with failing_plainly():
        found, members = _inspect(_found(folders), processes)
    if as_json:
        print_json(inspection_json(found, members))
    else:
        print_inspection(found, members)
    if not found.services:
        raise CommandFailed("nothing can be restored from these files")
    return found, members


def _question(found: "Inspection", chosen: "ServiceFound") -> str:
    lack = ""
    if found.unclaimed:
        lack = (
            f", and leave {counted(len(found.unclaimed), 'file')} of no known service"
        )
    return f"Recover the service up to {chosen.chain.last}{lack}?"


async def _run(task: "Task", *, detach: bool, json: bool) -> None:
    from ccfpy.cli.recover_run import Recovery
    from ccfpy.cli.sandbox_run import cancel_on_signals

    cancel_on_signals()
    say = progress_console() if json else text_console()
    await Recovery(task, say, json).run(detach=detach)


def _found(folders: Sequence[Path]) -> "Leftovers":
    from ccfpy.audit.discovery import find

    for folder in folders:
        if not folder.is_dir():
            raise Misused(f"no folder {folder}: correct the path")
    found = find(folders)
    if not found.chunks and not found.snapshots:
        listed = ", ".join(str(folder) for folder in folders)
        raise Misused(f"no ledger files or snapshots in {listed}")
    return found


def _inspect(
    found: "Leftovers", processes: int | None
) -> "tuple[Inspection, list[Shareholders]]":
    from ccfpy.audit.inspection_report import inspect_with_members

    size = sum(chunk.size_bytes for chunk in found.chunks)
    with (
        reading(size, processes) as readers,
        ReadingProgress("verifying", size) as progress,
    ):
        return inspect_with_members(found, readers, on_read=progress.advance)


def _require_nobody_writes(folders: Sequence[Path]) -> None:
    """Refuse to recover a service that may not be lost at all."""
    for folder in folders:
        writing = writers(folder)
        if writing:
            raise CommandFailed(
                f"process {writing[0]} writes below {folder}: if that is a node of the "
                "service, it is not lost; stop it first"
            )


def _set_constitution(scripts: Sequence[Path] | None) -> Sequence[Mapping[str, Json]]:
    """Return the action that replaces the constitution, if it is to be replaced."""
    if not scripts:
        return ()
    try:
        text = "\n".join(path.read_text() for path in scripts)
    except OSError as error:
        raise no_such_file(str(error.filename), error) from error
    except UnicodeDecodeError as error:
        raise Misused(f"a constitution is text: {error}") from error
    return ({"name": "set_constitution", "args": {"constitution": text}},)


def _require_sealed(folder: Path | None) -> None:
    if folder is not None and not any(folder.glob(f"*{SEALED_SUFFIX}")):
        raise Misused(
            f"no *{SEALED_SUFFIX} in {folder}: give --sealed the folder that the lost "
            "node's output_files.sealed_ledger_secret_location names"
        )


def _remains(chosen: "ServiceFound", folder: Path, *, snapshots: bool) -> "Remains":
    """Return what the first node begins with; a snapshot, if it must have one."""
    from ccfpy.cli.recover_files import gather

    is_wanted = snapshots or chosen.chain.first > 1
    snapshot = chosen.snapshots[0] if chosen.snapshots and is_wanted else None
    try:
        return gather(chosen.chain, snapshot, folder)
    except OSError as error:
        raise no_such_file(str(error.filename), error) from error


def _label(workspace: Path) -> str:
    """Choose a label whose folders do not exist yet."""
    label, number = LABEL, 2
    while any(workspace.glob(f"{label}_*")):
        label, number = f"{LABEL}{number}", number + 1
    return label


def _options(
    workspace: Path, label: str, app: str, log_level: str, *, seals: bool
) -> "ServiceOptions":
    from ccfpy.local.configuration import ServiceOptions
    from ccfpy.local.network import NODE_PROGRAM

    extra: dict[str, Json] = {"ledger_signatures": {"tx_count": 5000, "early": True}}
    if seals:
        extra["output_files"] = {"sealed_ledger_secret_location": SEALED_FOLDER}
    return ServiceOptions(
        workspace=workspace,
        label=label,
        app=named_anywhere(app),
        program=NODE_PROGRAM,
        members=(),
        users=(),
        constitution=(),
        election_timeout_ms=ELECTION_TIMEOUT_MS,
        log_level=log_level,
        extra=extra,
    )
