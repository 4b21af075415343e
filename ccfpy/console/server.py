"""The console's server: routes, and the guard before them."""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import ProposalId, TxId
from ccfpy.base.json import JsonObject, loads_object
from ccfpy.base.version import VERSION
from ccfpy.client.governance import Governance, bound_ballot, text_digest
from ccfpy.client.review.description import is_same
from ccfpy.client.review.dry_run import time_of
from ccfpy.client.review.proposal import NoSuchProposal
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.client.review.reading import why_not_shown
from ccfpy.console.answers import Acknowledged, Cast, Problem, Start
from ccfpy.console.app import NoSuchModule
from ccfpy.console.calls import NoSuchEndpoint
from ccfpy.console.explorer import Explorer, NoSuchTransaction
from ccfpy.console.guards import HEADERS, Guard
from ccfpy.console.inbox import Titles
from ccfpy.console.proposal import DryRunner, body_of
from ccfpy.console.receipts import explained, fetched, receipt_bytes
from ccfpy.console.routes import (
    AppRoutes,
    CallRoutes,
    LedgerRoutes,
    RecoveryRoutes,
    answer,
)
from ccfpy.console.signing import Desk, NotSigned
from ccfpy.console.submitting import SubmitRoutes, asking_member
from ccfpy.console.watching import Stream, TooManyListeners, watch
from ccfpy.http.errors import ApiError

if TYPE_CHECKING:
    from ccfpy.client.connection import Connection
    from ccfpy.client.review.description import Description
    from ccfpy.console.folders import Ledger, Lost
    from ccfpy.console.service import Service

BODY_BYTES_MAX = 64 * 1024
"""The longest body that a page may send; votes and receipts are smaller."""
ID_CHARACTERS_MAX = 64
COMMIT_TIMEOUT_S = 30.0
SHUTDOWN_S = 0.1
"""How long an open page keeps a console that was ended from ending."""
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/console.css": ("console.css", "text/css; charset=utf-8"),
}
"""The page, as ``make console`` leaves it."""

STATUSES: Mapping[type[Exception], int] = {
    NoSuchProposal: 404,
    NoSuchTransaction: 404,
    NoSuchModule: 404,
    NoSuchEndpoint: 404,
    NotSigned: 409,
    Malformed: 400,
    Exception: 502,
}
"""Of mistakes, by their kind: the first that fits."""


ADDRESS = "127.0.0.1"
"""The only one: a console on a network would have to know who asks."""


class NoPage(CcfpyError):
    """The page was not built: nobody ran ``make console`` in this checkout."""


def read_page() -> dict[str, bytes]:
    """Read the page's files, by the path at which each is served.

    Raises:
        NoPage: they are not there.
    """
    folder = files("ccfpy.console") / "static"
    try:
        return {path: (folder / name).read_bytes() for path, (name, _) in FILES.items()}
    except FileNotFoundError as error:
        raise NoPage(
            "the console's page was not built: run make console in the checkout"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A console of one service, of one ledger, of what is left of one, or of several.

    Attributes:
        service: the service, if the console shows one.
        ledger: the ledger's files, if the console reads them.
        lost: what is left of a lost service, if the console inspects that.
        guard: who may ask.
        page: the page's files, by path.
        what_if: runs what proposals would do, apart from the server.
        unawaited: starts another that does, for what no reader waits for.
    """

    service: "Service | None"
    ledger: "Ledger | None"
    guard: Guard
    page: dict[str, bytes]
    what_if: DryRunner
    unawaited: Callable[[], DryRunner]
    lost: "Lost | None" = None

    def application(self, stream: Stream) -> web.Application:
        """Make the program that answers.

        Args:
            stream: what pages are told of the service.
        """
        explorer = None if self.ledger is None else self.ledger.explorer()
        routes = _Routes(self.service, explorer, self.lost, stream, self.what_if)
        made = web.Application(
            middlewares=[_guarding(self.guard)],
            client_max_size=BODY_BYTES_MAX,
        )
        for path, content in self.page.items():
            made.router.add_get(path, functools.partial(_file, path, content))
        made.router.add_get("/api/start", routes.start)
        made.router.add_get("/api/stream", routes.stream)
        if self.service is not None:
            shown = AppRoutes(self.service, None)
            made.router.add_get("/api/app", shown.app)
            made.router.add_get("/api/module", shown.module)
            calls = CallRoutes(self.service, routes.desk)
            made.router.add_get("/api/call", calls.form)
            made.router.add_post("/api/call", calls.send)
            made.router.add_get("/api/call/{txid}", calls.standing)
            made.router.add_get("/api/proposals", shown.older)
            made.router.add_get("/api/proposals/{id}", routes.proposal)
            made.router.add_post("/api/proposals/{id}/vote", routes.vote)
            made.router.add_post("/api/proposals/{id}/withdraw", routes.withdraw)
            made.router.add_post("/api/acknowledge", routes.acknowledge)
            submitting = SubmitRoutes(self.service)
            made.router.add_get("/api/signing", submitting.facts)
            made.router.add_post("/api/submit", submitting.submit)
            recovery = RecoveryRoutes(self.service, routes.desk)
            made.router.add_post("/api/recovery/proposal", recovery.propose)
            made.router.add_post("/api/recovery/share", recovery.hand_in)
            made.router.add_get(
                "/api/recovery/share/{member}", recovery.encrypted_share
            )
            made.router.add_get("/api/committed/{txid}", routes.committed)
            made.router.add_get("/api/receipt/{txid}", routes.receipt)
            made.router.add_post("/api/receipt", routes.explain)
        if explorer is not None:
            asked = LedgerRoutes(explorer)
            made.router.add_get("/api/tx", asked.transactions)
            made.router.add_get("/api/tx/{seqno}", asked.transaction)
            made.router.add_get("/api/keys", asked.keys)
            made.router.add_get("/api/history", asked.history)
            made.router.add_get("/api/value", asked.value)
        return made

    async def serve(self, listening: socket.socket) -> None:
        """Answer for ever on a socket that is bound to ``guard.host``."""
        stream = Stream()
        runner = web.AppRunner(
            self.application(stream),
            access_log=None,
            logger=_logger(),
            shutdown_timeout=SHUTDOWN_S,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            if self.service is not None:
                self.what_if.warm()
            titles = Titles(self.unawaited)
            await watch(
                self.service, self.ledger, stream, lost=self.lost, titles=titles
            )
        finally:
            self.what_if.close()
            await runner.cleanup()


class _OneSentence(logging.Formatter):
    """Leaves tracebacks out: who reads the terminal has not written this program."""

    def format(self, record: logging.LogRecord) -> str:
        """Return what happened, and the exception's own words."""
        error = None if record.exc_info is None else record.exc_info[1]
        words = "" if error is None else f": {type(error).__name__}: {error}"
        return f"ccfpy console: {record.getMessage().lower()}{words}"


def _logger() -> logging.Logger:
    """Make what the server logs by: to the terminal, in one sentence each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneSentence())
    logger = logging.getLogger(__name__)
    logger.handlers, logger.propagate = [handler], False
    return logger


def _guarding(guard: Guard) -> Middleware:
    """Refuse foreign requests; answer every mistake with one sentence."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = guard.refusal(request.method, request.path, request.headers)
        if refusal is not None:
            return _problem(int(refusal.status), refusal.reason)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            return _problem(error.status, error.reason.lower())
        except (CcfpyError, ApiError) as error:
            status = next(s for kind, s in STATUSES.items() if isinstance(error, kind))
            return _problem(status, str(error))
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    return guarded


class _Routes:
    """The answers, but for the page itself."""

    def __init__(
        self,
        service: "Service | None",
        explorer: Explorer | None,
        lost: "Lost | None",
        stream: Stream,
        what_if: DryRunner,
    ) -> None:
        self._what_if = what_if
        self._shown, self._explorer, self._stream = service, explorer, stream
        self._lost = lost
        self.desk = Desk(None)
        if service is not None:
            self.desk = Desk(service.pen, service.confirm, service.roles)

    @functools.cached_property
    def _app(self) -> AppRoutes:
        return AppRoutes(self._service, self._explorer)

    @property
    def _service(self) -> "Service":
        assert self._shown is not None, "its routes are there with a service alone"
        return self._shown

    async def start(self, _: web.Request) -> web.Response:
        """Answer what the console is for."""
        service, pen = self._shown, self.desk.pen
        if service is not None:
            # A service that does not answer now is shown all the same.
            with contextlib.suppress(CcfpyError):
                await service.learn_roles()
        signer_id = None if service is None else service.signer_id
        return answer(
            Start(
                version=VERSION,
                service=None if service is None else service.digest,
                certificate=None if service is None else service.certificate,
                has_ledger=self._explorer is not None,
                has_lost=self._lost is not None,
                urls=() if service is None else tuple(service.urls),
                signer=None if pen is None or signer_id is None else pen.name,
                signer_id=signer_id,
                caller=None if service is None else service.caller,
                confirms=pen is not None and pen.confirm is not None,
            )
        )

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send the newest state, and then what changes, until the page goes away."""
        response = web.StreamResponse(
            headers={**HEADERS, "content-type": "text/event-stream"}
        )
        try:
            with self._stream.listen() as listener:
                await response.prepare(request)
                async for event in listener.events():
                    await response.write(event)
        except TooManyListeners:
            return _problem(503, "too many pages are open: close one")
        except ConnectionResetError:
            pass
        return response

    async def proposal(self, request: web.Request) -> web.Response:
        """Answer with a proposal whole."""
        shown = _outcome(request.query.get("outcome", ""))

        def described(
            state: PublicState, proposal_id: ProposalId, names: Mapping[str, str]
        ) -> "Description":
            return self._what_if.describe(state, proposal_id, names, shown)

        page = await self._app.proposal(
            _proposal_id(request), asking_member(request, self._service), described
        )
        return answer(page)

    async def vote(self, request: web.Request) -> web.Response:
        """Sign and submit a ballot that counts for the bytes that were read alone."""
        proposal_id = _proposal_id(request)
        asked = await _body(request)
        in_favour, outcome = asked.get("in_favour"), asked.get("outcome")
        digest = asked.get("digest")
        if (
            not isinstance(in_favour, bool)
            or not isinstance(digest, str)
            or not isinstance(outcome, str)
        ):
            raise Malformed(
                "a vote has in_favour, which is true or false, digest and outcome"
            )
        async with self._service.connect() as connection:
            body = await self._body_read(connection, proposal_id, digest, outcome)
            if in_favour and (reason := why_not_shown(body)):
                raise NotSigned(f"nobody votes for what cannot be shown: {reason}")
            side = "in favour of" if in_favour else "against"
            pen = await self.desk.allowed(
                (
                    f"a ballot {side} proposal {proposal_id}",
                    f"whose bytes have the SHA-256 digest {digest}",
                )
            )
            # The person at the terminal may have read for long.
            body = await self._body_read(connection, proposal_id, digest, outcome)
            governance = Governance(connection, pen.signer)
            status = await governance.vote(
                proposal_id, bound_ballot(body, approve=in_favour)
            )
        txid = None if status.txid is None else str(status.txid)
        return answer(Cast(state=status.state, txid=txid))

    async def _body_read(
        self,
        connection: "Connection",
        proposal_id: ProposalId,
        digest: str,
        outcome: str,
    ) -> bytes:
        """Return a proposal's bytes, if they and its outcome are those that were read.

        Raises:
            Malformed: this names no outcome.
            NotSigned: one of them is another.
        """
        state = await read_public_state(connection)
        body = body_of(state, proposal_id)
        if text_digest(body) != digest:
            raise NotSigned(
                "the service shows other bytes than those that you read: load "
                "the proposal again"
            )
        names = self._service.names()
        told = await asyncio.to_thread(
            self._what_if.describe, state, proposal_id, names, _outcome(outcome)
        )
        if not is_same(told.outcome, outcome):
            raise NotSigned(
                "nothing was signed: what would come of the proposal is no longer "
                "what you read"
            )
        return body

    async def withdraw(self, request: web.Request) -> web.Response:
        """Sign and submit the withdrawal of a proposal of the signer's."""
        proposal_id = _proposal_id(request)
        pen = await self.desk.allowed((f"the withdrawal of proposal {proposal_id}",))
        async with self._service.connect() as connection:
            status = await Governance(connection, pen.signer).withdraw(proposal_id)
        if status is None:
            raise NoSuchProposal(f"the service has no proposal {proposal_id}")
        txid = None if status.txid is None else str(status.txid)
        return answer(Cast(state=status.state, txid=txid))

    async def acknowledge(self, _: web.Request) -> web.Response:
        """Sign the state of the service, which makes the signer active."""
        lines = ("the state of the service, which makes this member active",)
        pen = await self.desk.allowed(lines)
        async with self._service.connect() as connection:
            digest = await Governance(connection, pen.signer).acknowledge()
        return answer(Acknowledged(state_digest=digest))

    async def committed(self, request: web.Request) -> web.Response:
        """Answer once a transaction is committed."""
        txid = TxId.parse(request.match_info["txid"])
        async with self._service.connect() as connection:
            await connection.wait_committed(txid, timeout_s=COMMIT_TIMEOUT_S)
        return answer(Cast(state="Committed", txid=str(txid)))

    async def receipt(self, request: web.Request) -> web.Response:
        """Fetch and verify a transaction's receipt."""
        txid = TxId.parse(request.match_info["txid"])
        async with self._service.connect() as connection:
            return answer(await fetched(connection, txid))

    async def explain(self, request: web.Request) -> web.Response:
        """Verify a receipt that the page brings."""
        asked = await _body(request)
        text, claims = asked.get("receipt"), asked.get("claims")
        if not isinstance(text, str) or not isinstance(claims, str | None):
            raise Malformed("a question has receipt, and claims if they are known")
        page = explained(
            receipt_bytes(text), certificate=self._service.certificate, claims=claims
        )
        return answer(page)


async def _file(path: str, content: bytes, _: web.Request) -> web.Response:
    return web.Response(body=content, headers={"content-type": FILES[path][1]})


def _proposal_id(request: web.Request) -> ProposalId:
    given = request.match_info["id"]
    if len(given) > ID_CHARACTERS_MAX or not given.isalnum():
        raise Malformed("a proposal's id has up to 64 letters and digits")
    return ProposalId(given)


def _outcome(name: str) -> str:
    """Return the name of an outcome that the page showed; it may have shown none.

    Raises:
        Malformed: it names no outcome.
    """
    if name:
        time_of(name)
    return name


async def _body(request: web.Request) -> JsonObject:
    return loads_object(await request.read())


def _problem(status: int, reason: str) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(Problem(error=reason)),
        content_type="application/json",
        headers=HEADERS,
    )
