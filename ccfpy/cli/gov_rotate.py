"""``ccfpy gov rotate``: a member gets new keys, in the service and in its folder.

New keys lie in a folder ``NAME.next`` beside the old until they are in use, so that a
ceremony that has to wait for others' votes goes on with the same ones. Then they take
the old keys' place, which are kept: they still open the ledgers of their time.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ccfpy.cli.errors import Misused
from ccfpy.cli.gov_run import run
from ccfpy.cli.output import note, print_json
from ccfpy.cli.place import (
    SHARED_DEFAULT,
    FolderOption,
    JsonOption,
    MemberOption,
    Place,
    TrustOption,
    UrlOption,
)
from ccfpy.client.connection import Connection
from ccfpy.client.keyfiles import (
    ENCRYPTION_KEY_BITS,
    KeyFiles,
    OsEntropy,
    generate_keys,
    member_id,
    read_text,
    write_private,
)
from ccfpy.client.rotation import Rotation
from ccfpy.client.signer import FileSigner
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.rsa import RsaKeyPair


def rotate(  # noqa: PLR0913  # one parameter for each option
    *,
    who: MemberOption = "member0",
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
    url: UrlOption = None,
    common: FolderOption = SHARED_DEFAULT,
    cacert: TrustOption = None,
    json: JsonOption = False,
) -> None:
    """Give a member new keys: files, proposals, votes, acknowledgement.

    Where others must vote first it says so and exits with 1: ask again once they
    have. The keys to come are in the folder NAME.next, made unless they are there.
    """
    place = Place.find(url, common, cacert)
    old = place.keys(who)
    replaces_encryption_key = (
        old.encryption_public_key.is_file() and not keep_encryption_key
    )
    if keep_identity and not replaces_encryption_key:
        raise Misused(f"nothing of {who}'s is left to replace")
    old_signer = place.signer(who)
    new = KeyFiles(folder=old.folder / f"{who}.next", name=who)
    curve = old_signer.certificate.public_key.curve
    _make(
        new,
        None if keep_identity else curve,
        with_encryption_key=replaces_encryption_key,
    )
    new_signer = old_signer if keep_identity else FileSigner.load(new)
    voters = [place.signer(name) for name in with_ or []]
    key = read_text(new.encryption_public_key) if replaces_encryption_key else None

    async def carry_out(connection: Connection) -> None:
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
    id_ = member_id(new_signer.certificate)
    if json:
        print_json({"member": who, "memberId": id_, "kept": str(kept)})
    else:
        print(f"{who} is {id_}; its former keys are in {kept}")


def _make(new: KeyFiles, curve: Curve | None, *, with_encryption_key: bool) -> None:
    """Make what of the new keys is not there yet; without a curve no identity."""
    if curve is not None and not new.certificate.is_file():
        generate_keys(new, curve=curve, with_encryption_key=False)
    if with_encryption_key and not new.encryption_public_key.is_file():
        new.folder.mkdir(parents=True, exist_ok=True)
        key = RsaKeyPair.generate(OsEntropy(), ENCRYPTION_KEY_BITS)
        write_private(new.encryption_private_key, key.pem)
        new.encryption_public_key.write_text(key.public_key.pem)


def take_place(old: KeyFiles, new: KeyFiles, *, now: datetime) -> Path:
    """Let new keys take the place of the old, and give where the old are kept."""
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
    new.folder.rmdir()
    return kept.folder


def _paths(files: KeyFiles) -> tuple[Path, ...]:
    return (
        files.encryption_private_key,
        files.encryption_public_key,
        files.private_key,
        files.certificate,
    )
