"""``ccfpy snapshot``: snapshot files verified and shown, without any node."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import Malformed
from ccfpy.cli.entries import Entry, Table
from ccfpy.cli.errors import CommandFailed, ExitCode, no_such_file
from ccfpy.cli.input import read_certificate
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import SHARED_DEFAULT, FolderOption
from ccfpy.cli.values import (
    VALUE_CHARACTERS_MAX,
    as_text,
    value_line,
    writes_as_json,
)
from ccfpy.kv.snapshot import MapSnapshot

if TYPE_CHECKING:
    from ccfpy.ledger.snapshot import Snapshot


FilesArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="Snapshots, such as snapshot_10_12.committed."
    ),
]
IdentitiesOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--cacert",
        help="The service's certificate, if it lies elsewhere; further ones are of "
        "its earlier identities.",
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value a line.")
]


def verify(
    files: FilesArgument,
    *,
    common: FolderOption = SHARED_DEFAULT,
    cacert: IdentitiesOption = None,
    json: JsonOption = False,
) -> None:
    """Verify that the service vouches for snapshots, as a node that starts does.

    The private part stays encrypted; that it is unchanged is verified all the same.
    """
    from ccfpy.client.keys import SERVICE_CERTIFICATE
    from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint

    identities = [read_certificate(p) for p in cacert or [common / SERVICE_CERTIFICATE]]
    are_good = True
    for file in files:
        data = _read(file)
        try:
            start = StartingPoint.read(data, identities)
            _check_name(file, start.snapshot)
        except SnapshotRefused as refusal:
            are_good = False
            _say(file, {"verified": False, "reason": str(refusal)}, json=json)
        else:
            _say(file, {"verified": True, **_about(start.snapshot)}, json=json)
    if not are_good:
        raise typer.Exit(ExitCode.FAILED)


def show(
    files: FilesArgument,
    *,
    tables: Annotated[
        str | None, typer.Option(help="Only tables whose name contains this.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show long values to their end.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show the public tables of snapshots; nothing is verified."""
    from ccfpy.ledger.snapshot import Snapshot

    for file in files:
        try:
            read = Snapshot.parse(_read(file))
        except Malformed as error:
            raise CommandFailed(
                f"{file} is no whole snapshot: {error}; take another"
            ) from error
        maps = [
            each for each in read.public.maps if tables is None or tables in each[0]
        ]
        if json:
            print_json(
                {"file": str(file), **_about(read), "tables": dict(map(_table, maps))}
            )
        else:
            _print(file, read, maps, None if full else VALUE_CHARACTERS_MAX)


def _about(read: "Snapshot") -> dict[str, object]:
    from ccfpy.ledger.entry import PUBLIC_OFFSET
    from ccfpy.ledger.receipt import RevealedLeaf

    leaf = read.receipt.leaf if read.receipt is not None else None
    return {
        "seqno": read.seqno,
        "evidence": str(leaf.txid) if isinstance(leaf, RevealedLeaf) else None,
        "view_history": list(read.public.view_history),
        "digest": read.digest.hex(),
        "private_bytes": len(read.entry.data) - PUBLIC_OFFSET - len(read.entry.public),
    }


def _check_name(file: Path, read: "Snapshot") -> None:
    """Check that the name of a snapshot's file fits its content.

    Raises:
        SnapshotRefused: the name does not fit.
    """
    from ccfpy.ledger.receipt import RevealedLeaf
    from ccfpy.ledger.snapshot import SnapshotName
    from ccfpy.node.snapshots.starting_point import SnapshotRefused

    try:
        name = SnapshotName.parse(file.name)
    except Malformed:
        return
    assert read.receipt is not None, "what was verified has a receipt"
    assert isinstance(read.receipt.leaf, RevealedLeaf), "and it reveals the evidence"
    holds = SnapshotName(seqno=read.seqno, evidence=read.receipt.leaf.txid.seqno)
    if name.committed() != holds.committed():
        raise SnapshotRefused(f"the file holds {holds}, and is named otherwise")


def _say(file: Path, about: dict[str, object], *, json: bool) -> None:
    if json:
        print_json({"file": str(file), **about})
    elif about["verified"]:
        print_line(
            f"{file}: the service vouches for the state at seqno {about['seqno']}, "
            f"recorded at {about['evidence']}."
        )
    else:
        print_line(f"REFUSED: {file}: {about['reason']}")


def _table(state: MapSnapshot) -> tuple[str, object]:
    return state.name, writes_as_json({key: value for key, _, value in state.entries})


def _print(
    file: Path, read: "Snapshot", maps: list[MapSnapshot], limit: int | None
) -> None:
    about = _about(read)
    recorded = about["evidence"] or "nothing yet"
    head = f"{file}: state at seqno {read.seqno}, recorded at {recorded}"
    lines = [f"{head}, {about['private_bytes']} private bytes"]
    for name, version, entries in maps:
        lines.append(f"  {name} (changed at {version})")
        lines += [
            f"    {as_text(key)}: {value_line(value, limit)}"
            for key, _, value in sorted(entries)
        ]
    for line in lines:
        print_line(line)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise no_such_file(str(file), error) from error


snapshot: Table = {
    "verify": Entry(
        "Verify that the service vouches for snapshots, as a node that starts does.",
        lambda: verify,
    ),
    "show": Entry(
        "Show the public tables of snapshots; nothing is verified.", lambda: show
    ),
}
