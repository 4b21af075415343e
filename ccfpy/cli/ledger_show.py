"""``ccfpy ledger show`` and ``decrypt``: what transactions wrote, private tables too.

Private tables are shown to those who have the secrets.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.audit.readers import in_order
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    FromOption,
    JsonOption,
    ReadingProgress,
    TablesOption,
    ToOption,
    ledger_chunks,
    reading,
)
from ccfpy.cli.output import note, print_json, print_line
from ccfpy.cli.values import (
    VALUE_CHARACTERS_MAX,
    as_text,
    value_line,
    writes_as_json,
)
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.ledger.chunk import Chunk, ChunkDamaged

if TYPE_CHECKING:
    from ccfpy.crypto.rsa import RsaKeyPair
    from ccfpy.ledger.entry import Transaction
    from ccfpy.ledger.secrets import LedgerSecrets


FullOption: TypeAlias = Annotated[
    bool, typer.Option("--full", help="Show long values to their end.")
]


def show(
    folders: FoldersArgument,
    *,
    first: FromOption = 1,
    last: ToOption = None,
    tables: TablesOption = None,
    full: FullOption = False,
    json: JsonOption = False,
) -> None:
    """Show what transactions wrote to public tables; nothing is verified."""
    for transaction in transactions(folders, first, last):
        print_writes(
            transaction,
            transaction.domain.write_set,
            tables=tables,
            full=full,
            json=json,
        )


def transactions(
    folders: list[Path], first: int, last: int | None
) -> "Iterator[Transaction]":
    """Read transactions, whole chunks at a time.

    Raises:
        CommandFailed: a file cannot be read, or is damaged.
    """
    from ccfpy.audit.chunks import between
    from ccfpy.ledger.entry import Transaction

    for chunk_path in between(ledger_chunks(folders), first, last):
        name = chunk_path.name
        try:
            chunk = Chunk.parse(name, chunk_path.path.read_bytes())
            for seqno, _, data in chunk.entries():
                if first <= seqno and (last is None or seqno <= last):
                    yield Transaction.parse(data)
        except OSError as error:
            raise no_such_file(str(chunk_path.path), error) from error
        except Malformed as error:
            where = error.position if isinstance(error, ChunkDamaged) else "an entry"
            raise CommandFailed(
                f"{name} is damaged at {where}: {error}; ccfpy ledger verify tells more"
            ) from error
        if chunk.torn_bytes:
            note(f"{name} ends with {chunk.torn_bytes} bytes of no whole entry")


def print_writes(
    transaction: "Transaction",
    write_set: WriteSet,
    *,
    tables: str | None,
    full: bool,
    json: bool,
) -> None:
    """Print a transaction's writes to the tables that are asked for.

    A transaction that wrote to none of those tables is skipped.
    """
    from ccfpy.ledger.signature import is_signature

    written = {
        name: writes
        for name, writes in write_set.items()
        if tables is None or tables in name
    }
    if tables is not None and not written:
        return
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


def _print(
    transaction: "Transaction", written: Mapping[str, Writes], limit: int | None
) -> None:
    from ccfpy.ledger.signature import is_signature

    kind = " (signature)" if is_signature(transaction.domain.write_set) else ""
    secret = _private_bytes(transaction)
    lines = [f"{transaction.txid}{kind}" + (f", {secret} private bytes" * bool(secret))]
    for name, writes in written.items():
        lines.append(f"  {name}")
        for key, value in writes.items():
            lines.append(f"    {as_text(key)}: {value_line(value, limit)}")
    for line in lines:
        print_line(line)


def _private_bytes(transaction: "Transaction") -> int:
    from ccfpy.ledger.entry import PUBLIC_OFFSET

    entry = transaction.entry
    return len(entry.data) - PUBLIC_OFFSET - len(entry.public)


def decrypt(  # noqa: PLR0913 - one parameter for each option
    folders: FoldersArgument,
    *,
    member_keys: Annotated[
        list[Path] | None,
        typer.Option(
            "--member-key",
            metavar="FILE",
            help="A member's private encryption key, PEM; as many as a recovery takes.",
        ),
    ] = None,
    secrets_file: Annotated[
        Path | None,
        typer.Option(
            "--secrets", metavar="FILE", help="Ledger secrets kept by --save-secrets."
        ),
    ] = None,
    save_secrets: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the secrets that were won, too."),
    ] = None,
    first: FromOption = 1,
    last: ToOption = None,
    tables: TablesOption = None,
    full: FullOption = False,
    json: JsonOption = False,
) -> None:
    """Show what transactions wrote to private tables.

    The ledger secrets are recovered with members' keys, as in a recovery, or read from
    a file. Every entry's seal and commit evidence is checked.
    """
    if (member_keys is None) is (secrets_file is None):
        raise Misused("give either --member-key, as often as needed, or --secrets")
    if secrets_file is not None:
        secrets = _kept(secrets_file)
    else:
        secrets = _won(folders, [_key(path) for path in member_keys or []])
    if save_secrets is not None:
        _save(secrets, save_secrets)
    for transaction in transactions(folders, first, last):
        try:
            writes = transaction.private_writes(secrets)
            transaction.commit_evidence(secrets)
        except CcfpyError as error:
            raise CommandFailed(
                f"transaction {transaction.txid} does not open: {error}"
            ) from error
        if writes:
            print_writes(transaction, writes, tables=tables, full=full, json=json)


def _won(folders: list[Path], keys: "list[RsaKeyPair]") -> "LedgerSecrets":
    """Recover the secrets from the ledger's own shares."""
    from ccfpy.audit.ledger_secrets import SharedSecrets, read_share_writes

    chunks = ledger_chunks(folders)
    size = sum(chunk.size_bytes for chunk in chunks)
    shared = SharedSecrets()
    with (
        reading(size, None) as readers,
        ReadingProgress("looking for shares", size) as progress,
    ):
        for chunk, writes in in_order(readers, read_share_writes, chunks):
            shared.take(writes)
            progress.advance(chunk.size_bytes)
        try:
            return shared.open(keys)
        except VerificationFailed as error:
            raise CommandFailed(
                f"the ledger stays closed: {error}; give each member's --member-key"
            ) from error


def _key(path: Path) -> "RsaKeyPair":
    from ccfpy.crypto.rsa import RsaKeyPair

    try:
        return RsaKeyPair.from_pem(path.read_bytes())
    except OSError as error:
        raise no_such_file(str(path), error) from error
    except Malformed as error:
        raise Misused(f"{path} is no private encryption key in PEM") from error


def _kept(path: Path) -> "LedgerSecrets":
    from ccfpy.audit import ledger_secrets

    try:
        return ledger_secrets.parse(path.read_bytes())
    except OSError as error:
        raise no_such_file(str(path), error) from error
    except Malformed as error:
        raise Misused(f"{path} holds no ledger secrets: {error}") from error


def _save(secrets: "LedgerSecrets", path: Path) -> None:
    from ccfpy.audit import ledger_secrets
    from ccfpy.client.keys import write_private

    if path.exists():
        raise Misused(f"{path} is there already: choose another name")
    try:
        write_private(path, ledger_secrets.serialise(secrets))
    except OSError as error:
        raise no_such_file(str(path), error) from error
