"""Which service ``ccfpy recover`` restores, and which members take part with keys.

Keys are in files or in one token. They are tried before anything is started: a ledger
that takes hours to read must not be read again because a PIN was wrong.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ccfpy.audit.inspection import Inspection, ServiceFound, lineage
from ccfpy.audit.shareholders import Shareholder, Shareholders
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.input import choose
from ccfpy.cli.signing import DecrypterOptions, KeyOptions
from ccfpy.client.keys import (
    FileDecrypter,
    FileSigner,
    KeyFiles,
    ShareDecrypter,
    Signer,
    member_id,
    read_text,
)
from ccfpy.crypto.certs import Certificate

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


DIGITS = 8
"""Characters of a digest that tell services apart; more where two begin alike."""


def choose_service(
    found: Inspection, digest: str | None, identity: Path | None, *, asks: bool
) -> ServiceFound:
    """Choose the service that is named, the only one, or the one that a person chooses.

    Args:
        found: the services whose files were found.
        digest: the beginning of its certificate's digest, if given.
        identity: its certificate, if given.
        asks: whether a person may be asked.

    Raises:
        Misused: it is none of these, or nobody says which of several.
        CommandFailed: the certificate is of an earlier identity, or a node cannot begin
            with what is left.
    """
    services = list(found.services)
    if digest is not None:
        services = [
            each
            for each in services
            if each.certificate.digest_hex.startswith(digest.lower())
        ]
    if identity is not None:
        key = read_certificate(identity).public_key.der
        of_it = [each for each in services if each.certificate.public_key.der == key]
        if not of_it and any(key in lineage(each.chain) for each in services):
            raise CommandFailed(
                f"{identity} is of an identity that the service had before: it has "
                "been recovered since"
            )
        services = of_it
    if not services:
        names = ", ".join(_names(found.services))
        raise Misused(f"the service that you name is none of those found, {names}")
    chosen = services[0] if len(services) == 1 else _ask(services, asks=asks)
    if not chosen.can_begin:
        raise CommandFailed(
            f"transactions 1 to {chosen.chain.first - 1} are missing, and no snapshot "
            "is of the identity that was lost: find these files, or such a snapshot"
        )
    return chosen


def _names(services: Sequence[ServiceFound]) -> list[str]:
    """Return the beginnings of digests that tell them apart."""
    digests = [each.certificate.digest_hex for each in services]
    digits = DIGITS
    while len({digest[:digits] for digest in digests}) < len(digests):
        digits += DIGITS
    return [digest[:digits] for digest in digests]


def _ask(services: Sequence[ServiceFound], *, asks: bool) -> ServiceFound:
    names = _names(services)
    option = f"choose with --service one of {', '.join(names)}"
    if not asks:
        raise Misused(f"files of several services: {option}")
    lines = [
        f"{name}  {each.chain.status}, ends at {each.chain.last}"
        for name, each in zip(names, services, strict=True)
    ]
    return services[choose("Which service is to be recovered?", lines, option=option)]


def read_certificate(path: Path) -> Certificate:
    """Read a certificate that an option names.

    Raises:
        Misused: it is none.
    """
    try:
        return Certificate.from_pem(read_text(path))
    except CcfpyError as error:
        raise Misused(f"{path} is no certificate: {error}") from error
