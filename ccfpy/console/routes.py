"""The paths of the console below the server: how a request is read and answered.

Each class has the routes of one subject: a ledger's files, the app and its proposals,
requests that people fill in, and what a member does in a recovery.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, loads_object
from ccfpy.client.governance import Governance, read_governance
from ccfpy.client.requests import text_field
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.client.review.reading import document_of
from ccfpy.client.survey import object_of
from ccfpy.console.answers import Proposed
from ccfpy.console.app import app_page, fetch_document, module_page
from ccfpy.console.calls import (
    BODY_BYTES_MAX,
    FIELDS_MAX,
    VALUE_CHARACTERS_MAX,
    NoSuchEndpoint,
    answer_of,
    document_path,
    form_of,
    may_write,
    operation_of,
    request_of,
    standing_of,
)
from ccfpy.console.explorer import Explorer, NoSuchTransaction
from ccfpy.console.inbox import older_of
from ccfpy.console.ledger_answers import EncryptedShare, HandedInShare
from ccfpy.console.proposal import (
    body_of,
    effect_of,
    nothing_vouched,
    page_of,
    read_proposal_body,
    read_story,
    timeline,
)
from ccfpy.console.recovery_reading import has_handed_in, proposal_to_go_on
from ccfpy.console.service import Service, with_closed
from ccfpy.console.signing import Desk, NotSigned
from ccfpy.crypto.certs import Certificate
from ccfpy.service.tables import proposals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.base.ids import MemberId, ProposalId, Seqno
    from ccfpy.client.connection import Connection
    from ccfpy.console.answers import Moment, ProposalPage
    from ccfpy.console.proposal import Describe
    from ccfpy.endpoints.api_page.document import ApiDocument, DescribedOperation
    from ccfpy.gov.definitions import ProposalStory


_NUMBER = re.compile(r"[0-9]{1,18}")
NAME_CHARACTERS_MAX = 1024
KEY_BYTES_MAX = 3072
"""In hex a longer key would not fit in a request's line."""


class LedgerRoutes:
    """Questions of the page, each answered on another thread."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    async def transactions(self, request: web.Request) -> web.Response:
        """Answer with the transactions after one."""
        after = _number(request.query.get("after", "0"))
        return await _apart(lambda: self._explorer.transactions(after=after))

    async def transaction(self, request: web.Request) -> web.Response:
        """Answer with a transaction, whole."""
        seqno = _number(request.match_info["seqno"])
        return await _apart(lambda: self._explorer.transaction(seqno))

    async def keys(self, request: web.Request) -> web.Response:
        """Answer with keys of a map."""
        name, prefix = _map(request), _bytes(request.query.get("prefix", ""))
        return await _apart(lambda: self._explorer.keys(name, prefix))

    async def history(self, request: web.Request) -> web.Response:
        """Answer with the writes to a key."""
        name, key = _map(request), _bytes(request.query.get("key", ""))
        given = request.query.get("before")
        before = None if given is None else _number(given)
        return await _apart(lambda: self._explorer.history(name, key, before=before))

    async def value(self, request: web.Request) -> web.Response:
        """Answer with a value that a list has the beginning of."""
        name, key = _map(request), _bytes(request.query.get("key", ""))
        seqno = _number(request.query.get("seqno", ""))
        return await _apart(lambda: self._explorer.value(name, key, seqno))


def answer(value: object) -> web.Response:
    """Return a record as the page gets it."""
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def _apart(ask: Callable[[], object]) -> web.Response:
    return answer(await asyncio.to_thread(ask))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Malformed("a seqno is a number")
    return int(text)


def _map(request: web.Request) -> str:
    name = request.query.get("map", "")
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise Malformed("a question about keys names a map")
    return name


def _bytes(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed("a key is written in hex") from error
    if len(data) > KEY_BYTES_MAX:
        raise Malformed(f"a key has at most {KEY_BYTES_MAX} bytes")
    return data


_SEQNO = re.compile(r"[0-9]{1,19}", re.ASCII)


class AppRoutes:
    """The answers about one service."""

    def __init__(self, service: "Service", explorer: Explorer | None) -> None:
        self._service, self._explorer = service, explorer

    async def app(self, _: "web.Request") -> "web.Response":
        """Describe the app, and every endpoint."""
        service = self._service
        async with service.connect() as connection:
            stories = await service.remembered.look(connection)
            page = await app_page(
                connection,
                stories,
                actions_of=service.remembered.actions_of,
                named=service.named,
                url=service.urls[0],
            )
        return answer(page)

    async def module(self, request: "web.Request") -> "web.Response":
        """Describe a module of the app."""
        name = request.query.get("name")
        if not name:
            raise Malformed("a question about a module has its name")
        async with self._service.connect() as connection:
            return answer(await module_page(connection, name))

    async def older(self, request: "web.Request") -> "web.Response":
        """List closed proposals that were made before a seqno."""
        before = request.query.get("before", "")
        if _SEQNO.fullmatch(before) is None:
            raise Malformed("a question about older proposals has before, a seqno")
        service = self._service
        async with service.connect() as connection:
            page = await service.remembered.look_back(connection, int(before))
        return answer(older_of(page, service.remembered, service.names()))

    async def proposal(
        self,
        proposal_id: "ProposalId",
        signer_id: "MemberId | None",
        described: "Describe",
    ) -> "ProposalPage":
        """Describe a proposal, also one that the service's tables have forgotten.

        Args:
            proposal_id: which.
            signer_id: who reads, if that is a member.
            described: describes the proposal.

        Raises:
            NoSuchProposal: neither they nor the ledger have the proposal.
        """
        service = self._service
        async with service.connect() as connection:
            state = await read_public_state(connection)
            stories = await service.remembered.look(connection)
            story = stories.of(proposal_id)
            if story is None and not stories.why_not:
                story = await read_story(connection, proposal_id)
            state, now = await _with_story(connection, state, proposal_id, story), state

        def moments(sides: "Mapping[str, bool]") -> "Sequence[Moment]":
            if story is None:
                return ()
            document = document_of(body_of(state, proposal_id))
            is_in_effect = story.proposalState is proposals.ProposalState.ACCEPTED
            return timeline(
                story,
                stories,
                named=service.named,
                sides=sides,
                effect=effect_of(now, document) if is_in_effect else "",
                vouched=nothing_vouched if self._explorer is None else self._vouched,
            )

        return await asyncio.to_thread(
            page_of,
            state,
            proposal_id,
            names=service.names(),
            signer_id=signer_id,
            story=story,
            moments=moments,
            not_known="" if story is not None else stories.why_not,
            described=described,
        )

    def _vouched(self, seqno: "Seqno") -> str:
        assert self._explorer is not None, "asked where there is one"
        try:
            return self._explorer.transaction(seqno).row.coverage.value
        except NoSuchTransaction:
            return ""


async def _with_story(
    connection: "Connection",
    state: PublicState,
    proposal_id: "ProposalId",
    story: "ProposalStory | None",
) -> PublicState:
    """Return the tables with the proposal, which they may have forgotten."""
    tx = state.store.begin(read_only=True)
    if story is None or proposals.PROPOSALS.of(tx).get(proposal_id) is not None:
        return state
    body = await read_proposal_body(connection, story)
    return state if body is None else with_closed(state, story, body)


ESCAPED = 6
"""Characters that JSON takes at most for a byte of a text."""
QUESTION_BYTES_MAX = ESCAPED * (BODY_BYTES_MAX + FIELDS_MAX * VALUE_CHARACTERS_MAX)
"""The most bytes in which a page asks for a request: its body and its fields."""


class CallRoutes:
    """Requests to one service."""

    def __init__(self, service: "Service", desk: "Desk") -> None:
        self._service, self._desk = service, desk

    async def form(self, request: "web.Request") -> "web.Response":
        """Answer what is filled in for an endpoint."""
        verb, path = request.query.get("verb", ""), request.query.get("path", "")
        document, operation = await self._described(verb, path)
        sender = await self._service.sender()
        return answer(
            form_of(document, operation, sender=sender.words, asks=self._desk.may_ask)
        )

    async def send(self, request: "web.Request") -> "web.Response":
        """Send a request that was filled in, and answer with what came back.

        Raises:
            NoSuchEndpoint: no document of the service has the endpoint.
            Malformed: the endpoint has no such request.
            NotSigned: the request may write, and nobody agreed.
            OutcomeUnknown: no answer came, and the request may have been applied.
        """
        # Bodies of this route and of another may be longer than what pages ask.
        asked = loads_object(
            await request.clone(client_max_size=QUESTION_BYTES_MAX).read()
        )
        verb, path = asked.get("verb"), asked.get("path")
        if not isinstance(verb, str) or not isinstance(path, str):
            raise Malformed("a request has verb and path")
        _, operation = await self._described(verb, path)
        made = request_of(operation, asked)
        sender = await self._service.sender()
        if may_write(operation):
            await self._desk.agreed(made.lines(sender.words))
        async with self._service.connect_as(sender.identity) as connection:
            reply = await connection.request(
                made.verb, made.path, body=made.body, headers=made.headers
            )
        return answer(answer_of(reply))

    async def standing(self, request: "web.Request") -> "web.Response":
        """Answer whether a transaction is committed, without waiting for it."""
        txid = TxId.parse(request.match_info["txid"])
        async with self._service.connect() as connection:
            reply = await connection.get(f"/node/tx?transaction_id={txid}")
        return answer(standing_of(text_field(reply.object(), "status")))

    async def _described(
        self, verb: str, path: str
    ) -> "tuple[ApiDocument, DescribedOperation]":
        """Return the document that has an endpoint, as it is now, and the endpoint.

        Raises:
            NoSuchEndpoint: there is none.
        """
        async with self._service.connect() as connection:
            document = await fetch_document(connection, document_path(path))
        if document is None:
            raise NoSuchEndpoint("the service has no document for this path")
        return document, operation_of(document, verb=verb, path=path)


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
