"""``ccfpy ledger decrypt``: private tables, for those who have the secrets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from ccfpy.cli.ledger_show import FullOption, print_writes, transactions

if TYPE_CHECKING:
    from ccfpy.crypto.rsa import RsaKeyPair
    from ccfpy.ledger.secrets import LedgerSecrets


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
