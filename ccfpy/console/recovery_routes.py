"""What a member does in a recovery, with keys of this machine."""

from collections.abc import Mapping

from aiohttp import web

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.client.governance import Governance, read_governance
from ccfpy.client.node_report import object_of
from ccfpy.client.reply import text_field
from ccfpy.console.answers import Proposed
from ccfpy.console.ledger_routes import answer
from ccfpy.console.recovery_answers import EncryptedShare, HandedInShare
from ccfpy.console.recovery_reading import has_handed_in, proposal_to_go_on
from ccfpy.console.service import Service
from ccfpy.console.signing import Desk, NotSigned
from ccfpy.crypto.certs import Certificate

ID_CHARACTERS_MAX = 64


class RecoveryRoutes:
    """The routes of a service that is recovered."""

    def __init__(self, service: Service, desk: Desk) -> None:
        self._service, self._desk = service, desk

    async def propose(self, _: web.Request) -> web.Response:
        """Propose to go on from the lost service, under the new identity."""
        async with self._service.connect() as connection:
            action = await proposal_to_go_on(connection)
            pen = await self._desk.allowed(in_words(action))
            status = await Governance(connection, pen.signer).propose([action])
        return answer(Proposed(id=status.proposal_id))

    async def encrypted_share(self, request: web.Request) -> web.Response:
        """Answer with a member's share, for a page that has the member's keys."""
        member = request.match_info["member"]
        if len(member) > ID_CHARACTERS_MAX or not member.isalnum():
            raise Malformed("a member's id has up to 64 letters and digits")
        async with self._service.connect() as connection:
            path = f"recovery/encrypted-shares/{member}"
            told = object_of(await read_governance(connection, path))
        return answer(EncryptedShare(share=text_field(told, "encryptedShare")))

    async def hand_in(self, _: web.Request) -> web.Response:
        """Open the signer's recovery share, and hand it in."""
        pen = self._desk.pen
        if pen is not None and pen.opener is None:
            raise NotSigned("the key that opens the share is not here: --decrypt-key")
        async with self._service.connect() as connection:
            if await has_handed_in(connection, self._service.signer_id):
                raise NotSigned("your share is there already: once is enough")
            pen = await self._desk.allowed(
                (
                    "a recovery share, which is opened here and handed in to the",
                    f"service with the certificate {self._service.digest}",
                )
            )
            assert pen.opener is not None, "looked at before"
            try:
                told = await Governance(connection, pen.signer).submit_share(pen.opener)
            except VerificationFailed as error:
                raise NotSigned(
                    "the encryption key here does not open the share: it must be the "
                    "one that the member had when shares were last issued"
                ) from error
        return answer(HandedInShare(message=text_field(told, "message")))


def in_words(action: Mapping[str, Json]) -> tuple[str, ...]:
    """Return what a member signs who proposes to go on from a lost service."""
    args = object_of(action["args"])
    lost, new = (
        Certificate.from_pem(text_field(args, f"{each}_service_identity")).digest_hex
        for each in ("previous", "next")
    )
    return (
        "a proposal to go on from the lost service",
        f"with the certificate {lost}",
        f"under the certificate {new}",
    )
