"""Members' keys on the command line: the options that name them, and requests signed.

Without an option the keys are files, by the member's name, in the folder with the keys.
Where several members sign, the options choose the key of the first member; the keys of
the other members are files.
"""

import asyncio
import functools
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from ccfpy.base.errors import Malformed
from ccfpy.cli import completion
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.options import Options
from ccfpy.cli.output import ask_secret, print_json, print_line
from ccfpy.cli.place import Place
from ccfpy.client.signers.pkcs11_uri import Pkcs11Uri
from ccfpy.client.vocabulary import SignatureForm, SignInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ccfpy.client.connection import Connection
    from ccfpy.client.governance import Governance, ProposalStatus
    from ccfpy.client.keys import KeyFiles, ShareDecrypter, Signer
    from ccfpy.crypto.certs import Certificate


PANEL = "Keys"
PIN_BYTES_MAX = 1024
DEFAULT_MEMBER = "member0"
Files: TypeAlias = "Callable[[], KeyFiles]"
"""Finds a member's files; called only if they are needed."""
MemberOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--as",
        help="The member who signs, by the name of its files.",
        autocompletion=completion.members,
    ),
]
MembersOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--as",
        help="Who proposes and votes, again for each who votes; or member0.",
        autocompletion=completion.members,
    ),
]

ModuleOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--pkcs11-module",
        envvar="PKCS11_MODULE_PATH",
        help="The library that speaks to the token, if the URI does not say.",
        rich_help_panel=PANEL,
    ),
]
PinOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--pin-file",
        help="A file that holds the token's PIN; otherwise it is asked for.",
        rich_help_panel=PANEL,
    ),
]


class ShareForm(StrEnum):
    """How a command prints a share."""

    BINARY = "binary"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions(Options):
    """What every use of a token needs."""

    pkcs11_module: ModuleOption = None
    pin_file: PinOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions(TokenOptions):
    """Which key signs, if it is not in a file of the folder."""

    cert: Annotated[
        Path | None,
        typer.Option(
            help="The member's certificate, if it lies elsewhere.",
            rich_help_panel=PANEL,
        ),
    ] = None
    key: Annotated[
        Path | None,
        typer.Option(help="Sign with the key in this file.", rich_help_panel=PANEL),
    ] = None
    pkcs11: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            envvar="CCFPY_PKCS11",
            help="Sign with the key in a token: pkcs11:token=LABEL;object=LABEL.",
            rich_help_panel=PANEL,
        ),
    ] = None
    sign_command: Annotated[
        str | None,
        typer.Option(
            metavar="CMD",
            envvar="CCFPY_SIGN_COMMAND",
            help="Sign by a shell command: digest on stdin, signature on stdout.",
            rich_help_panel=PANEL,
        ),
    ] = None
    sign_input: Annotated[
        SignInput,
        typer.Option(
            envvar="CCFPY_SIGN_INPUT",
            help="What that command is given on stdin.",
            rich_help_panel=PANEL,
        ),
    ] = SignInput.DIGEST
    signature_format: Annotated[
        SignatureForm,
        typer.Option(
            envvar="CCFPY_SIGNATURE_FORMAT",
            help="What it prints: raw is r and s, one after the other.",
            rich_help_panel=PANEL,
        ),
    ] = SignatureForm.DER

    @property
    def is_given(self) -> bool:
        """Whether any of these options was given."""
        return any((self.cert, self.key, self.pkcs11, self.sign_command))

    def signer_or(self, files: Files) -> "Signer":
        """Find the key.

        Args:
            files: returns the member's files, for what no option says.

        Raises:
            Misused: options name two keys, or there are no such files.
            CommandFailed: a library that the key needs is not installed.
            KeyUnusable: the key is not where it should be.
        """
        from ccfpy.client.keys import FileSigner
        from ccfpy.client.signers.command import CommandSigner

        _one_of(
            {
                "--key": self.key,
                "--pkcs11": self.pkcs11,
                "--sign-command": self.sign_command,
            }
        )
        if self.pkcs11 is not None:
            return self._in_token(self.pkcs11)
        if self.sign_command is not None:
            return CommandSigner(
                certificate=self.certificate_or(files),
                command=self.sign_command,
                form=self.signature_format,
                takes=self.sign_input,
            )
        return FileSigner.read(
            certificate=self.cert or files().certificate,
            private_key=self.key or files().private_key,
        )

    def certificate_or(self, files: Files) -> "Certificate":
        """Find the certificate alone, where nothing is signed; raises the same."""
        from ccfpy.client.keys import read_text
        from ccfpy.crypto.certs import Certificate

        if self.pkcs11 is not None and self.cert is None:
            return self._in_token(self.pkcs11).certificate
        return Certificate.from_pem(read_text(self.cert or files().certificate))

    def _in_token(self, uri: str) -> "Signer":
        from ccfpy.client.keys import read_text
        from ccfpy.crypto.certs import Certificate

        tokens = _tokens()
        token = _token(tokens, uri, self)
        if self.cert is None:
            signer: Signer = tokens.TokenSigner.find(token)
            return signer
        given: Signer = tokens.TokenSigner(
            token=token, certificate=Certificate.from_pem(read_text(self.cert))
        )
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerOptions(KeyOptions):
    """Who signs, and with which key."""

    who: MemberOption = DEFAULT_MEMBER

    def signer(self, place: Place) -> "Signer":
        """Find the key; raises as ``signer_or``."""
        return self.signer_or(lambda: place.keys(self.who))

    def certificate(self, place: Place) -> "Certificate":
        """Find the certificate alone; raises as ``signer_or``."""
        return self.certificate_or(lambda: place.keys(self.who))

    def name(self, signer: "Signer") -> str:
        """Return who signs: the name of its files, or else its id."""
        return signer.certificate.digest_hex if self.is_given else self.who


@dataclass(frozen=True, slots=True, kw_only=True)
class SignersOptions(KeyOptions):
    """Who signs, one after the other, and with which key the first of them signs."""

    who: MembersOption = None

    def signers(self, place: Place) -> "list[Signer]":
        """Find all keys; raises as ``signer_or``."""
        from ccfpy.client.keys import FileSigner

        first, *others = self.who or [DEFAULT_MEMBER]
        return [
            self.signer_or(lambda: place.keys(first)),
            *(FileSigner.load(place.keys(name)) for name in others),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecrypterOptions(TokenOptions):
    """Which key opens a member's recovery shares."""

    decrypt_key: Annotated[
        Path | None,
        typer.Option(
            help="Open the share with the key in this file.", rich_help_panel=PANEL
        ),
    ] = None
    decrypt_pkcs11: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            envvar="CCFPY_DECRYPT_PKCS11",
            help="Open it with the key in a token.",
            rich_help_panel=PANEL,
        ),
    ] = None
    decrypt_command: Annotated[
        str | None,
        typer.Option(
            metavar="CMD",
            envvar="CCFPY_DECRYPT_COMMAND",
            help="Open it by a shell command: RSA-OAEP, SHA-256, stdin to stdout.",
            rich_help_panel=PANEL,
        ),
    ] = None
    decrypt_output: Annotated[
        ShareForm,
        typer.Option(
            envvar="CCFPY_DECRYPT_OUTPUT",
            help="What that command prints.",
            rich_help_panel=PANEL,
        ),
    ] = ShareForm.BINARY

    @property
    def is_given(self) -> bool:
        """Whether any of these options was given."""
        return any((self.decrypt_key, self.decrypt_pkcs11, self.decrypt_command))

    def decrypter(self, place: Place, who: str) -> "ShareDecrypter":
        """Find the key: by default that of ``who`` in the folder.

        Raises as ``decrypter_or``.
        """
        return self.decrypter_or(lambda: place.keys(who))

    def decrypter_or(self, files: Files) -> "ShareDecrypter":
        """Find the key.

        Args:
            files: returns the member's files, if no option names the key.

        Raises:
            Misused: options name two keys, or there are no such files.
            CommandFailed: a library that the key needs is not installed.
            KeyUnusable: the key is not where it should be.
        """
        from ccfpy.client.keys import FileDecrypter
        from ccfpy.client.signers.command import CommandDecrypter

        _one_of(
            {
                "--decrypt-key": self.decrypt_key,
                "--decrypt-pkcs11": self.decrypt_pkcs11,
                "--decrypt-command": self.decrypt_command,
            }
        )
        if self.decrypt_pkcs11 is not None:
            tokens = _tokens()
            token = _token(tokens, self.decrypt_pkcs11, self)
            in_token: ShareDecrypter = tokens.TokenDecrypter(token)
            return in_token
        if self.decrypt_command is not None:
            return CommandDecrypter(
                command=self.decrypt_command,
                gives_base64=self.decrypt_output is ShareForm.BASE64,
            )
        path = self.decrypt_key or files().encryption_private_key
        return FileDecrypter.read(path)


def _one_of(options: dict[str, object]) -> None:
    said = [name for name, value in options.items() if value is not None]
    if len(said) > 1:
        raise Misused(f"{' and '.join(said)} say two different keys: give one of them")


def _tokens() -> ModuleType:
    try:
        from ccfpy.client.signers import pkcs11
    except ImportError as error:
        raise CommandFailed(
            f"keys in tokens need python-pkcs11, which lacks {error.name}: "
            "pip install 'ccfpy[pkcs11]'"
        ) from error
    return pkcs11


def _token(tokens: ModuleType, text: str, options: TokenOptions) -> object:
    try:
        uri = Pkcs11Uri.parse(text)
    except Malformed as error:
        raise Misused(str(error)) from error
    source = options.pin_file or uri.pin_source
    return tokens.Token(
        uri,
        module=options.pkcs11_module,
        pin=_asked if source is None else functools.partial(_pin_in, source),
    )


@functools.cache
def _asked(label: str) -> str:
    """Ask for a token's PIN, once in a command."""
    from ccfpy.client.keys import KeyUnusable

    if not sys.stdin.isatty():
        raise KeyUnusable(
            f"the token {label!r} wants its PIN, and there is no terminal to ask on: "
            "say --pin-file, or pin-source= in the URI"
        )
    return ask_secret(f"PIN of the token {label}")


def _pin_in(path: Path, _label: str) -> str:
    try:
        with path.open("rb") as file:
            pin = file.read(PIN_BYTES_MAX + 1)
    except OSError as error:
        raise no_such_file(f"the file with the PIN, {path}", error) from error
    if len(pin) > PIN_BYTES_MAX:
        raise CommandFailed(f"{path} is too long to hold a PIN")
    try:
        return pin.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{path} holds no PIN: it is not text") from error


WaitOption: TypeAlias = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until it is committed.")
]
_T = TypeVar("_T")


def run(place: Place, work: "Callable[[Connection], Awaitable[_T]]") -> _T:
    """Run a function with a connection to a service, without a certificate."""

    async def connected() -> _T:
        async with place.connect() as connection:
            return await work(connection)

    return asyncio.run(connected())


def as_member(
    place: Place,
    member: SignerOptions,
    work: "Callable[[Governance], Awaitable[_T]]",
    *,
    wait: bool,
) -> _T:
    """Run a function as a member; wait until a proposal's change is committed."""
    from ccfpy.client.governance import Governance, ProposalStatus

    signer = member.signer(place)

    async def signed(connection: "Connection") -> _T:
        status = await work(Governance(connection, signer))
        if wait and isinstance(status, ProposalStatus) and status.txid:
            await connection.wait_committed(status.txid)
        return status

    return run(place, signed)


def as_members(
    place: Place,
    members: SignersOptions,
    work: "Callable[[Sequence[Governance]], Awaitable[ProposalStatus]]",
    *,
    wait: bool,
) -> "ProposalStatus":
    """Run a function as several members."""
    from ccfpy.client.governance import Governance

    signers = members.signers(place)

    async def signed(connection: "Connection") -> "ProposalStatus":
        status = await work([Governance(connection, signer) for signer in signers])
        if wait and status.txid:
            await connection.wait_committed(status.txid)
        return status

    return run(place, signed)


def show_status(status: "ProposalStatus", *, as_json: bool) -> None:
    """Print what became of a proposal."""
    if as_json:
        print_json(
            {
                "proposalId": status.proposal_id,
                "proposerId": status.proposer_id,
                "proposalState": status.state,
                "ballotCount": status.ballot_count,
                "transaction": None if status.txid is None else str(status.txid),
            }
        )
        return
    votes = f"{status.ballot_count} ballot{'' if status.ballot_count == 1 else 's'}"
    print_line(f"{status.proposal_id} is {status.state}, {votes}")
