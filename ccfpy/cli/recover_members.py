"""Members who take part in a recovery with keys that are at hand: files, or one token.

Keys are tried before anything is started: a ledger that takes hours to read must not be
read again because a PIN was wrong.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ccfpy.audit.shareholders import Shareholder, Shareholders
from ccfpy.base.errors import VerificationFailed
from ccfpy.cli.errors import Misused
from ccfpy.cli.recover_choice import read_certificate
from ccfpy.cli.signing import DecrypterOptions, KeyOptions
from ccfpy.client.keys import (
    FileDecrypter,
    FileSigner,
    KeyFiles,
    ShareDecrypter,
    Signer,
    member_id,
)

TRIAL = b"ccfpy recover tries this key before it starts a node"
"""A text that no service takes for a request: requests are CBOR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAtHand:
    """A member's keys, in files or a token.

    Attributes:
        signer: acknowledges and votes.
        decrypter: opens the member's share; None if its key is not at hand.
    """

    signer: Signer
    decrypter: ShareDecrypter | None


def members_at_hand(
    files: Sequence[Path],
    keys: KeyOptions,
    opener: DecrypterOptions,
    holders: Shareholders,
) -> list[MemberAtHand]:
    """Find members' keys, and check that the service has these members.

    Args:
        files: beginnings of key files' paths, such as ``keys/member0``.
        keys: how one further member signs, if given.
        opener: how its share is opened.
        holders: the lost service's members.

    Raises:
        Misused: there is no such file or member, or options do not fit together.
        CcfpyError: a key cannot be used.
    """
    found = [_of_files(path) for path in files]
    if keys.is_given:
        signer = keys.signer_or(_no_files)
        found.append(
            MemberAtHand(
                signer=signer,
                decrypter=opener.decrypter_or(_no_files) if opener.is_given else None,
            )
        )
    elif opener.is_given:
        raise Misused(
            "the share that you have opened is whose? Say that member's signing key "
            "too: --key, --pkcs11 or --sign-command"
        )
    known = {member.id: member for member in holders.members}
    ids = [member_id(each.signer.certificate) for each in found]
    for at, (each, id_) in enumerate(zip(found, ids, strict=True)):
        if id_ not in known:
            raise Misused(f"{_name(files, at)} is of no member of the lost service")
        if id_ in ids[:at]:
            raise Misused(f"the keys of member {id_[:8]} are given twice")
        found[at] = asyncio.run(_tried(each, known[id_]))
    return found


async def _tried(member: MemberAtHand, known: Shareholder) -> MemberAtHand:
    """Try a member's keys; leave out the key for shares where there is none."""
    await member.signer.sign(TRIAL)
    if known.encrypted_share is None:
        return replace(member, decrypter=None)
    if member.decrypter is not None:
        try:
            await member.decrypter.decrypt(known.encrypted_share)
        except VerificationFailed as error:
            raise Misused(
                f"the encryption key of member {known.id[:8]} does not open its share: "
                "give the one that it had when shares were last issued, or none to let "
                "the member vote alone"
            ) from error
    return member


def _of_files(path: Path) -> MemberAtHand:
    keys = KeyFiles(folder=path.parent, name=path.name)
    for needed in (keys.certificate, keys.private_key):
        if not needed.is_file():
            raise Misused(f"no {needed}: {_known(keys.folder)}")
    read_certificate(keys.certificate)
    opens = keys.encryption_private_key
    return MemberAtHand(
        signer=FileSigner.load(keys),
        decrypter=FileDecrypter.read(opens) if opens.exists() else None,
    )


def _known(folder: Path) -> str:
    """Return whose files are there."""
    suffix = "_privk.pem"
    names = [path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}")]
    identities = sorted(name for name in names if not name.endswith("_enc"))
    listed = ", ".join(str(folder / name) for name in identities)
    return f"give --member FOLDER/NAME, such as {listed or 'keys/member0'}"


def _no_files() -> KeyFiles:
    raise Misused(
        "say both which key it is, by --key, --pkcs11 or --sign-command, and whose, by "
        "--cert"
    )


def _name(files: Sequence[Path], at: int) -> str:
    if at < len(files):
        path = files[at]
        return str(KeyFiles(folder=path.parent, name=path.name).certificate)
    return "the certificate of the key"
