"""``ccfpy gov prepare``, ``finish``, ``sign``, ``send``: signing and sending apart.

For keys on machines without network. The options of the first two have the names that
CCF's ``ccf_cose_sign1_prepare`` and ``ccf_cose_sign1_finish`` give them, too.
"""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import loads_object
from ccfpy.cli.errors import Misused
from ccfpy.cli.input import read_input
from ccfpy.cli.options import with_options
from ccfpy.cli.output import write
from ccfpy.cli.place import SHARED_DEFAULT, FolderOption, Place, PlaceOptions
from ccfpy.cli.signing import SignerOptions, run
from ccfpy.client.vocabulary import Line, MessageType, SignatureForm

if TYPE_CHECKING:
    from ccfpy.client.signers.detached import Draft


ContentOption: TypeAlias = Annotated[
    Path, typer.Option("--content", help="What is signed: a file, or - for stdin.")
]
CertificateOption: TypeAlias = Annotated[
    Path,
    typer.Option("--cert", "--signing-cert", help="The member's certificate."),
]
KindOption: TypeAlias = Annotated[
    MessageType,
    typer.Option("--type", "--ccf-gov-msg-type", help="What kind of message it is."),
]
AboutOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--proposal-id",
        "--ccf-gov-msg-proposal-id",
        "--ccf-gov-msg-proposal_id",
        help="Which proposal a ballot or a withdrawal is about.",
    ),
]
_CREATED_AT = typer.Option(
    "--created-at",
    "--ccf-gov-msg-created-at",
    "--ccf-gov-msg-created_at",
    help="When it was made: ISO 8601, or seconds since 1970.",
)
CreatedAtOption: TypeAlias = Annotated[str, _CREATED_AT]
MaybeCreatedAtOption: TypeAlias = Annotated[str | None, _CREATED_AT]


class SignatureFile(StrEnum):
    """The encoding of a signature in its file."""

    JSON = "json"
    """An object whose ``value`` is the raw signature in base64, as CCF's tools read."""
    DER = "der"
    RAW = "raw"
    DER_BASE64 = "der-base64"
    RAW_BASE64 = "raw-base64"


def prepare(
    *,
    content: ContentOption,
    cert: CertificateOption,
    kind: KindOption,
    created_at: CreatedAtOption,
    proposal_id: AboutOption = None,
    line: Annotated[
        Line, typer.Option(help="Like CCF 6's tool, which names the algorithm, or 7's.")
    ] = Line.CCF7,
) -> None:
    """Print the digest that a member's key is to sign, as CCF's tool does."""
    from ccfpy.client.signers import detached

    draft = _draft(content, cert, kind, created_at, proposal_id)
    write(detached.prepare(draft, line))


def finish(  # noqa: PLR0913  # one parameter for each option
    *,
    content: ContentOption,
    cert: CertificateOption,
    kind: KindOption,
    created_at: CreatedAtOption,
    signature: Annotated[Path, typer.Option(help="The file with the signature.")],
    proposal_id: AboutOption = None,
    signature_format: Annotated[
        SignatureFile,
        typer.Option(help='What it holds; json is {"value": raw in base64}.'),
    ] = SignatureFile.JSON,
) -> None:
    """Print the message whose prepared digest was signed: binary, for ``gov send``."""
    from ccfpy.client.signers import detached

    draft = _draft(content, cert, kind, created_at, proposal_id)
    given, form = _signature(signature, signature_format)
    write(detached.finish(draft, given, form))


@with_options
def sign(
    *,
    content: ContentOption,
    kind: KindOption,
    created_at: MaybeCreatedAtOption = None,
    proposal_id: AboutOption = None,
    member: SignerOptions,
    common: FolderOption = SHARED_DEFAULT,
) -> None:
    """Sign a message and print it, without a service: binary, for ``gov send``."""
    from ccfpy.client.governance import CreatedAt, signed_message
    from ccfpy.client.keys import SERVICE_CERTIFICATE

    _require_whole_id(kind, proposal_id)
    place = Place(urls=[], folder=common, service=common / SERVICE_CERTIFICATE)
    signer = member.signer(place)

    async def signed() -> bytes:
        return await signed_message(
            signer,
            kind,
            read_input(content),
            created_at=CreatedAt().now() if created_at is None else _time(created_at),
            proposal_id=proposal_id,
        )

    write(asyncio.run(signed()))


@with_options
def send(
    message: Annotated[Path, typer.Argument(help="A signed message; - for stdin.")],
    *,
    where: PlaceOptions,
) -> None:
    """Hand a signed message in, and print what the service answers."""
    from ccfpy.client.signers import detached

    signed = read_input(message)
    place = where.find()
    reply = run(place, lambda connection: detached.send(connection, signed))
    if reply.body:
        write(reply.body + b"\n")


def _draft(
    content: Path,
    cert: Path,
    kind: "MessageType",
    created_at: str,
    proposal_id: str | None,
) -> "Draft":
    from ccfpy.client.keys import read_text
    from ccfpy.client.signers.detached import Draft
    from ccfpy.crypto.certs import Certificate

    _require_whole_id(kind, proposal_id)
    return Draft(
        certificate=Certificate.from_pem(read_text(cert)),
        kind=kind,
        payload=read_input(content),
        created_at=_time(created_at),
        proposal_id=proposal_id,
    )


def _require_whole_id(kind: "MessageType", proposal_id: str | None) -> None:
    """Check that a message names its proposal whole: no service completes the id here.

    Raises:
        Misused: it does not.
    """
    from ccfpy.client.signers.detached import ABOUT_PROPOSALS
    from ccfpy.client.vocabulary import ID_CHARACTERS

    if kind not in ABOUT_PROPOSALS:
        return
    if not proposal_id:
        raise Misused(f"a {kind} must say which proposal it is about: --proposal-id")
    if len(proposal_id) != ID_CHARACTERS:
        raise Misused(
            f"{proposal_id!r} is no whole id, which has {ID_CHARACTERS} characters; "
            "without a service nobody completes it: ccfpy gov list shows whole ids"
        )


def _time(text: str) -> int:
    """Read a time; without a zone it is this machine's, as CCF's tools have it."""
    is_number = text.isascii() and text.isdigit()
    try:
        moment = (
            datetime.fromtimestamp(int(text), tz=UTC)
            if is_number
            else datetime.fromisoformat(text)
        )
        return int(moment.timestamp())
    except (ValueError, OverflowError, OSError) as error:
        raise Misused(
            f"{text!r} is no time: write 2026-01-31T12:00:00Z, or seconds since 1970"
        ) from error


def _signature(path: Path, kind: SignatureFile) -> "tuple[bytes, SignatureForm]":

    data = read_input(path)
    if kind is not SignatureFile.JSON:
        return data, SignatureForm(kind.value)
    try:
        value = loads_object(data).get("value")
    except Malformed as error:
        raise Misused(
            f"{path} is no JSON: say what it holds with --signature-format"
        ) from error
    if not isinstance(value, str):
        raise Misused(f"{path} has no text 'value' with the signature in base64")
    return value.encode(), SignatureForm.RAW_BASE64
