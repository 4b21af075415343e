"""``ccfpy ledger``: ledger files read, verified and split, without any node."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from ccfpy.base.errors import Malformed
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.ledger_split import split_chunk
from ccfpy.cli.output import note, print_json, progress_console, write
from ccfpy.cli.values import (
    VALUE_CHARACTERS_MAX,
    as_text,
    value_line,
    writes_as_json,
)
from ccfpy.kv.changes import Writes
from ccfpy.ledger.audit import (
    ChunkChecked,
    ChunkFile,
    Damage,
    Finding,
    OpenTail,
    ServiceSeen,
    Summary,
    audit,
)
from ccfpy.ledger.chunk import Chunk, ChunkDamaged, ChunkName, arrange
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.signature import is_signature

ledger = typer.Typer(no_args_is_help=True)

FolderArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(help="A ledger's folder, such as workspace/sandbox_0/0.ledger."),
]
PathsArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER...",
        help="A ledger's folder; further ones hold more chunks of the same ledger.",
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value a line.")
]


@ledger.command()
def verify(
    folders: PathsArgument,
    *,
    recovery: Annotated[
        bool, typer.Option("--recovery", help="Include an unfinished recovery's files.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Verify a ledger from its first transaction to its last signature.

    Every root, every signature and every key that signs is checked. An unsigned end is
    reported and is no fault; damage is reported with its place and exits with 1.
    """
    files = _chunk_files(folders, with_recovery=recovery)
    sizes = {file.name: size for file, size in files}
    findings: list[Finding] = []
    with _progress() as progress:
        task = progress.add_task("verifying", total=sum(sizes.values()))
        for finding in audit(file for file, _ in files):
            findings.append(finding)
            if isinstance(finding, ChunkChecked):
                progress.advance(task, sizes[finding.file])
    for finding in findings:
        if json:
            print_json({"finding": type(finding).__name__, **_fields(finding)})
        elif (sentence := _sentence(finding)) is not None:
            print(sentence)
    if any(isinstance(finding, Damage) for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


@ledger.command()
def show(  # one parameter for each option
    folders: PathsArgument,
    *,
    first: Annotated[
        int, typer.Option("--from", min=1, help="The first seqno to show.")
    ] = 1,
    last: Annotated[
        int | None, typer.Option("--to", min=1, help="The last seqno to show.")
    ] = None,
    tables: Annotated[
        str | None, typer.Option(help="Only tables whose name contains this.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show long values to their end.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what transactions wrote to public tables; nothing is verified."""
    for transaction in _transactions(folders, first, last):
        written = {
            name: writes
            for name, writes in transaction.domain.write_set.items()
            if tables is None or tables in name
        }
        if tables is not None and not written:
            continue
        if json:
            print_json(
                {
                    "transaction": str(transaction.txid),
                    "is_signature": is_signature(transaction.domain.write_set),
                    "private_bytes": _private_bytes(transaction),
                    "tables": {k: writes_as_json(v) for k, v in written.items()},
                }
            )
        else:
            _print(transaction, written, None if full else VALUE_CHARACTERS_MAX)


@ledger.command()
def split(
    chunk: Annotated[Path, typer.Argument(help="One ledger file.")],
    seqno: Annotated[
        int, typer.Argument(min=1, help="The last seqno of the first part.")
    ],
    *,
    output_dir: Annotated[
        Path, typer.Option(help="Where the two parts are written.")
    ] = Path("split_ledger"),
    allow_non_signature: Annotated[
        bool,
        typer.Option(
            "--allow-non-signature", help="Split elsewhere than at a signature."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Split a ledger file in two, by default after a signature."""
    try:
        written = split_chunk(
            chunk, seqno, output_dir, allow_non_signature=allow_non_signature
        )
    except OSError as error:
        raise no_such_file(str(error.filename or chunk), error) from error
    except Malformed as error:
        raise CommandFailed(f"{chunk} cannot be split: {error}") from error
    if json:
        print_json([str(path) for path in written])
        return
    for path in written:
        print(path)


def _chunk_files(
    folders: list[Path], *, with_recovery: bool = False
) -> list[tuple[ChunkFile, int]]:
    """Find the chunks of a ledger; each is read when its turn comes."""
    places: dict[str, Path] = {}
    for folder in folders:
        try:
            found = {path.name: path for path in folder.iterdir() if path.is_file()}
        except NotADirectoryError as error:
            raise Misused(f"{folder} is a file: give the folder it lies in") from error
        except OSError as error:
            raise no_such_file(str(folder), error) from error
        places = found | places
    names = [str(name) for name in arrange(places, with_recovery=with_recovery)]
    if not names:
        listed = ", ".join(str(folder) for folder in folders)
        raise Misused(f"no ledger files in {listed}: give a ledger's folder")
    try:
        return [
            (
                ChunkFile(name, partial(_read, places[name])),
                places[name].stat().st_size,
            )
            for name in names
        ]
    except OSError as error:
        raise no_such_file(str(error.filename), error) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise no_such_file(str(path), error) from error


def _transactions(
    folders: list[Path], first: int, last: int | None
) -> Iterator[Transaction]:
    for file, _ in _chunk_files(folders):
        name = ChunkName.parse(file.name)
        if last is not None and name.first > last:
            return
        if name.last is not None and name.last < first:
            continue
        try:
            chunk = Chunk.parse(name, file.read())
            for seqno, _, data in chunk.entries():
                if first <= seqno and (last is None or seqno <= last):
                    yield Transaction.parse(data)
        except Malformed as error:
            where = error.position if isinstance(error, ChunkDamaged) else "an entry"
            raise CommandFailed(
                f"{file.name} is damaged at {where}: {error}; "
                "ccfpy ledger verify tells more"
            ) from error
        if chunk.torn_bytes:
            note(f"{file.name} ends with {chunk.torn_bytes} bytes of no whole entry")


def _progress() -> Progress:
    console = progress_console()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _sentence(finding: Finding) -> str | None:
    match finding:
        case ChunkChecked():
            return None
        case ServiceSeen():
            return _service_sentence(finding)
        case OpenTail():
            return _tail_sentence(finding)
        case Damage():
            of = "" if finding.seqno is None else f", transaction {finding.seqno}"
            return (
                f"DAMAGED: {finding.file} at {finding.position}{of}: {finding.reason}"
            )
        case Summary():
            return _summary_sentence(finding)


def _service_sentence(finding: ServiceSeen) -> str:
    if finding.is_new_identity:
        return (
            f"{finding.txid}: a new identity of the service, {finding.status}, "
            f"certificate {finding.service.digest_hex}"
        )
    return f"{finding.txid}: the service is {finding.status}"


def _tail_sentence(finding: OpenTail) -> str:
    unsigned = finding.last - finding.first + 1
    torn = f" and {finding.torn_bytes} bytes of an unfinished one"
    return (
        f"{finding.file} at {finding.position}: {unsigned} transactions"
        f"{torn if finding.torn_bytes else ''} after the last signature, for which "
        "nobody vouches yet"
    )


def _summary_sentence(finding: Summary) -> str:
    if finding.is_damaged:
        return (
            f"The ledger can be believed up to {finding.last_signed or 'nothing'}: "
            "restore the rest from another node."
        )
    return (
        f"The ledger is whole: {finding.transactions} transactions, "
        f"{finding.signatures} signatures, the last {finding.last_signed}."
    )


def _fields(finding: Finding) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name in finding.__dataclass_fields__:
        value = getattr(finding, name)
        if name == "service":
            fields[name] = None if value is None else value.digest_hex
        elif isinstance(value, str | int | None) and not isinstance(value, tuple):
            fields[name] = value
        else:
            fields[name] = str(value)
    return fields


def _print(
    transaction: Transaction, written: dict[str, Writes], limit: int | None
) -> None:
    kind = " (signature)" if is_signature(transaction.domain.write_set) else ""
    secret = _private_bytes(transaction)
    lines = [f"{transaction.txid}{kind}" + (f", {secret} private bytes" * bool(secret))]
    for name, writes in written.items():
        lines.append(f"  {name}")
        for key, value in writes.items():
            lines.append(f"    {as_text(key)}: {value_line(value, limit)}")
    write(("\n".join(lines) + "\n").encode())


def _private_bytes(transaction: Transaction) -> int:
    entry = transaction.entry
    return len(entry.data) - PUBLIC_OFFSET - len(entry.public)
