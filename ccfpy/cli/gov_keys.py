"""``ccfpy gov rotate``, ``share`` and ``reshare``: members' keys, and the service's.

New keys of a member are in a folder ``NAME.next`` beside the old keys until they are in
use, so that a ceremony that waits for other members' votes goes on with the same keys.
Then they replace the old keys, which are kept: they still open earlier ledgers. Keys in
tokens or behind commands, old or new, are used where they are.

The key that opens a lost service's ledger is shared among members, who hand in their
shares.
"""

import base64
import binascii
import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.cli.errors import ExitCode, Misused
from ccfpy.cli.input import read_input
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_json, print_line
from ccfpy.cli.place import JsonOption, Place, PlaceOptions
from ccfpy.cli.signing import (
    PANEL,
    DecrypterOptions,
    SignerOptions,
    SignersOptions,
    WaitOption,
    as_members,
    run,
    show_status,
)
from ccfpy.client.requests import text_field

if TYPE_CHECKING:
    from ccfpy.client.connection import Connection
    from ccfpy.client.keys import KeyFiles, ShareDecrypter, Signer
    from ccfpy.crypto.certs import Certificate
    from ccfpy.crypto.ec import Curve


NewCertOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--new-cert",
        help="The new certificate, where its key is in a token or behind a command.",
        rich_help_panel=PANEL,
    ),
]
NewTokenOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--new-pkcs11",
        metavar="URI",
        help="The new key, in a token.",
        rich_help_panel=PANEL,
    ),
]
NewCommandOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--new-sign-command",
        metavar="CMD",
        help="The new key, behind a shell command.",
        rich_help_panel=PANEL,
    ),
]
NewEncryptionKeyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--new-encryption-key",
        help="The new encryption key's public half, where it is kept elsewhere.",
        rich_help_panel=PANEL,
    ),
]


@with_options
def rotate(  # noqa: PLR0913  # one parameter for each option
    *,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="Another member who votes, again for each."),
    ] = None,
    keep_identity: Annotated[
        bool,
        typer.Option("--keep-identity", help="Replace the encryption key alone."),
    ] = False,
    keep_encryption_key: Annotated[
        bool,
        typer.Option("--keep-encryption-key", help="Replace the identity alone."),
    ] = False,
    member: SignerOptions,
    new_cert: NewCertOption = None,
    new_pkcs11: NewTokenOption = None,
    new_sign_command: NewCommandOption = None,
    new_encryption_key: NewEncryptionKeyOption = None,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Replace a member's keys: files, proposals, votes, acknowledgement.

    Where others must vote first it says so and exits with 1: ask again once they
    have. The keys to come are in the folder NAME.next, made unless they are there or
    are said to be elsewhere.
    """
    from ccfpy.client.keys import FileSigner, KeyFiles
    from ccfpy.client.membership import Rotation

    place = where.find()
    wish = _Wish(
        keeps_identity=keep_identity,
        keeps_encryption_key=keep_encryption_key,
        identity=replace(
            member,
            cert=new_cert,
            key=None,
            pkcs11=new_pkcs11,
            sign_command=new_sign_command,
        ),
        encryption_key=new_encryption_key,
    )
    old_signer = member.signer(place)
    old = _own_files(place, member.who, old_signer.certificate)
    new = KeyFiles(folder=old.folder / f"{member.who}.next", name=member.who)
    new_signer, key = wish.fulfil(old, old_signer, new)
    voters = [FileSigner.load(place.keys(name)) for name in with_ or []]

    async def carry_out(connection: "Connection") -> None:
        rotation = Rotation(
            connection,
            old=old_signer,
            new=new_signer,
            encryption_public_key=key,
            voters=voters,
            say=note,
        )
        await rotation.carry_out()

    run(place, carry_out)
    kept = take_place(old, new, now=datetime.now(tz=UTC))
    _show(member.who, new_signer, kept, as_json=json)


def _show(name: str, signer: "Signer", kept: Path | None, *, as_json: bool) -> None:
    from ccfpy.client.keys import member_id

    id_ = member_id(signer.certificate)
    if as_json:
        place = None if kept is None else str(kept)
        print_json({"member": name, "memberId": id_, "kept": place})
    else:
        where = "" if kept is None else f"; its former keys are in {kept}"
        print_line(f"{name} is {id_}{where}")


def _own_files(place: Place, name: str, certificate: "Certificate") -> "KeyFiles":
    """Return where a member's files are, or would be; refuse to replace another's."""
    from ccfpy.client.keys import KeyFiles, read_text
    from ccfpy.crypto.certs import Certificate

    files = KeyFiles(folder=place.folder, name=name)
    if files.certificate.is_file():
        there = Certificate.from_pem(read_text(files.certificate))
        if there.der != certificate.der:
            raise Misused(
                f"{files.certificate} is another member's than the key that you name: "
                "say with --as what the new keys' files are to be called"
            )
    return files


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """Which of a member's keys are to be new, and which of those exist already.

    Attributes:
        identity: where the new identity is, if it is not to be made.
        encryption_key: the public half of the new encryption key, if it is not to be
            made.
    """

    keeps_identity: bool
    keeps_encryption_key: bool
    identity: SignerOptions
    encryption_key: Path | None

    def fulfil(
        self, old: "KeyFiles", old_signer: "Signer", new: "KeyFiles"
    ) -> "tuple[Signer, str | None]":
        """Make the missing keys; return the new signer and the new encryption key."""
        from ccfpy.client.keys import FileSigner, read_text

        makes_encryption_key = (
            old.encryption_public_key.is_file()
            and not self.keeps_encryption_key
            and self.encryption_key is None
        )
        self._require_sense(old.name, makes_encryption_key=makes_encryption_key)
        makes_identity = not self.keeps_identity and not self.identity.is_given
        signer = old_signer
        if self.identity.is_given:
            signer = self.identity.signer_or(_no_new_certificate)
        _make(
            new,
            old_signer.certificate.public_key.curve if makes_identity else None,
            with_encryption_key=makes_encryption_key,
        )
        if makes_identity:
            signer = FileSigner.load(new)
        key = new.encryption_public_key if makes_encryption_key else self.encryption_key
        return signer, None if key is None else read_text(key)

    def _require_sense(self, name: str, *, makes_encryption_key: bool) -> None:
        if self.keeps_identity and self.identity.is_given:
            raise Misused("--keep-identity keeps the identity: leave out the new one")
        if self.keeps_encryption_key and self.encryption_key:
            raise Misused(
                "--keep-encryption-key keeps it: leave out --new-encryption-key"
            )
        has_new_key = makes_encryption_key or self.encryption_key is not None
        if self.keeps_identity and not has_new_key:
            raise Misused(f"nothing of {name}'s is left to replace")


def _no_new_certificate() -> "KeyFiles":
    raise Misused("say with --new-cert which certificate the new key is of")


def _make(new: "KeyFiles", curve: "Curve | None", *, with_encryption_key: bool) -> None:
    """Make the new keys that are missing; without a curve no identity."""
    from ccfpy.client.keys import (
        ENCRYPTION_KEY_BITS,
        OsEntropy,
        generate_keys,
        write_private,
    )
    from ccfpy.crypto.rsa import RsaKeyPair

    if curve is not None and not new.certificate.is_file():
        generate_keys(new, curve=curve, with_encryption_key=False)
    if with_encryption_key and not new.encryption_public_key.is_file():
        new.folder.mkdir(parents=True, exist_ok=True)
        key = RsaKeyPair.generate(OsEntropy(), ENCRYPTION_KEY_BITS)
        write_private(new.encryption_private_key, key.pem)
        new.encryption_public_key.write_text(key.public_key.pem)


def take_place(old: "KeyFiles", new: "KeyFiles", *, now: datetime) -> Path | None:
    """Replace the old keys by the new, and return where the old keys are kept.

    Keys that are not files are not kept.
    """
    from ccfpy.client.keys import KeyFiles

    kept = KeyFiles(
        folder=old.folder / f"{old.name}.until-{now:%Y%m%dT%H%M%SZ}", name=old.name
    )
    kept.folder.mkdir()
    for old_path, new_path, kept_path in zip(
        *map(_paths, (old, new, kept)), strict=True
    ):
        if new_path.is_file():
            if old_path.is_file():
                old_path.rename(kept_path)
            new_path.rename(old_path)
    with contextlib.suppress(FileNotFoundError):  # where none were made
        new.folder.rmdir()
    if any(kept.folder.iterdir()):
        return kept.folder
    kept.folder.rmdir()
    return None


def _paths(files: "KeyFiles") -> tuple[Path, ...]:
    return (
        files.encryption_private_key,
        files.encryption_public_key,
        files.private_key,
        files.certificate,
    )


RESHARE = "trigger_recovery_shares_refresh"


class OpenedElsewhere:
    """A share that was decrypted where the member's key is, on another machine."""

    def __init__(self, share: bytes) -> None:
        self._share = share

    async def decrypt(self, _: bytes) -> bytes:
        """Return the share."""
        return self._share


@with_options
def share(  # one parameter for each option
    *,
    get: Annotated[
        bool,
        typer.Option(
            "--get", help="Print it, encrypted as it is, and hand in nothing."
        ),
    ] = False,
    opened: Annotated[
        Path | None,
        typer.Option(
            "--opened",
            help="Hand in a share that was decrypted elsewhere, base64; - for stdin.",
        ),
    ] = None,
    member: SignerOptions,
    opener: DecrypterOptions,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Hand in a member's recovery share, to bring a lost service back."""
    from ccfpy.client.governance import Governance

    if get and opened:
        raise Misused("--get prints a share and --opened hands one in: choose one")
    place = where.find()
    if get:
        _print_encrypted(place, member.certificate(place), as_json=json)
        return
    decrypter = (
        opener.decrypter(place, member.who) if opened is None else _opened(opened)
    )
    signer = member.signer(place)
    told = run(place, lambda c: Governance(c, signer).submit_share(decrypter))
    if json:
        print_json(told)
    else:
        print_line(f"{member.name(signer)}: {text_field(told, 'message')}")


def _opened(path: Path) -> "ShareDecrypter":
    return OpenedElsewhere(_read_share(path))


def _print_encrypted(
    place: Place, certificate: "Certificate", *, as_json: bool
) -> None:
    from ccfpy.client.governance import read_governance
    from ccfpy.client.keys import member_id

    name = member_id(certificate)
    told = run(place, lambda c: read_governance(c, f"recovery/encrypted-shares/{name}"))
    assert isinstance(told, dict), "a share is an object"
    if as_json:
        print_json(told)
    else:
        print_line(text_field(told, "encryptedShare"))


def _read_share(path: Path) -> bytes:
    try:
        return base64.b64decode(read_input(path).strip(), validate=True)
    except binascii.Error as error:
        raise Misused(f"{path} holds no share as base64: {error}") from error


@with_options
def reshare(
    *,
    members: SignersOptions,
    wait: WaitOption = True,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Issue new recovery shares, which makes earlier shares worthless.

    Proposes it and votes for it as each member named. Exits with 1 if more must vote.
    """
    from ccfpy.client.opening import put_to_vote

    status = as_members(
        where.find(),
        members,
        lambda voters: put_to_vote(voters, [{"name": RESHARE}]),
        wait=wait,
    )
    show_status(status, as_json=json)
    if status.state != "Accepted":
        raise typer.Exit(ExitCode.FAILED)
