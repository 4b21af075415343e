"""Which service ``ccfpy recover`` restores, where there are files of several."""

from collections.abc import Sequence
from pathlib import Path

from ccfpy.audit.inspection import Inspection, ServiceFound, lineage
from ccfpy.base.errors import CcfpyError
from ccfpy.cli.confirm import choose
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.client.keys import read_text
from ccfpy.crypto.certs import Certificate

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
