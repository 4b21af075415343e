"""``ccfpy gov share`` and ``reshare``: the keys of a service, shared among members."""

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.cli.errors import ExitCode, Misused
from ccfpy.cli.gov_run import WaitOption, as_members, run, show_status
from ccfpy.cli.input_file import read_input
from ccfpy.cli.options import with_options
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import JsonOption, Place, PlaceOptions
from ccfpy.cli.signing import (
    DecrypterOptions,
    SignerOptions,
    SignersOptions,
)
from ccfpy.client.requests import text_field

if TYPE_CHECKING:
    from ccfpy.client.keys import ShareDecrypter
    from ccfpy.crypto.certs import Certificate


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
