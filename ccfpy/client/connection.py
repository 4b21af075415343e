"""A client of one service, at as many of its nodes as the caller names.

Each node must prove the service's identity (``transport``). A call goes to the node
that answered last; if that node fails, the client asks the next one. The client repeats
what may be repeated and nothing else, within one deadline for the whole call
(``call``). It follows redirects, only to HTTPS, and keeps method and body.

An answer says that a write is *applied*; if the primary fails, the write may still be
lost. The transaction's id decides: the service reports ``Committed`` or ``Invalid``,
and either is final. The client asks for the status, instead of an answer that waits for
commit, because the id then arrives at once. From then on any node can say what became
of the write, whatever becomes of the client.

A service reads old entries back from its ledger before it can answer of a past state.
Meanwhile it answers 202, and says in ``Retry-After`` when to ask again.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps
from ccfpy.client.addresses import Addresses, published_addresses
from ccfpy.client.call import (
    Attempt,
    Call,
    Pause,
    RetryBudget,
    Rules,
    asked_wait_s,
    repeatability,
)
from ccfpy.client.errors import NotCommitted, UnexpectedReply, Unreachable
from ccfpy.client.keys import Identity, KeyFiles, read_text
from ccfpy.client.receipts import RECEIPT_TIMEOUT_S, fetch_verified
from ccfpy.client.requests import (
    Client,
    Options,
    Reply,
    Sending,
    Writing,
    Written,
    text_field,
)
from ccfpy.client.transport import NoAnswer, NotSent, Transport, show, trust_only
from ccfpy.ledger.receipt import Receipt

COMMIT_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 20.0
"""For a write until it is committed, and its receipt."""
COMMIT_POLL_S = 0.01
"""Between two questions for a transaction's status; a signature takes longer."""
COMMIT_POLL_MAX_S = 0.25


async def wait_committed(client: Client, txid: TxId, *, timeout_s: float) -> None:
    """Wait until a transaction is committed; see ``Connection.wait_committed``."""
    deadline = time.monotonic() + timeout_s
    pause = COMMIT_POLL_S
    while True:
        try:
            reply = await client.get(
                f"/node/tx?transaction_id={txid}",
                timeout_s=deadline - time.monotonic(),
            )
        except Unreachable as error:
            # A timer may be a little early: what counts is time for another question.
            if time.monotonic() + pause <= deadline:
                raise
            raise NotCommitted(
                txid,
                f"is not known to be committed after {timeout_s:g} s: {error}",
                is_final=False,
            ) from error
        status = text_field(reply.object(), "status")
        if status == "Committed":
            return
        if status == "Invalid":
            raise NotCommitted(txid, "was lost: send it again", is_final=True)
        if time.monotonic() + pause > deadline:
            raise NotCommitted(
                txid,
                f"is {status} after {timeout_s:g} s: a majority of nodes may be "
                "missing",
                is_final=False,
            )
        await asyncio.sleep(pause)
        pause = min(2 * pause, COMMIT_POLL_MAX_S)


async def write(client: Client, method: str, path: str, options: Writing) -> Written:
    """Write and wait for commit; see ``Connection.write``."""
    timeout_s = options.get("timeout_s")
    deadline = time.monotonic() + (WRITE_TIMEOUT_S if timeout_s is None else timeout_s)
    sending: Sending = {
        "body": options.get("body"),
        "json": options.get("json"),
        "headers": options.get("headers"),
        "idempotent": options.get("idempotent", False),
    }
    lost: list[TxId] = []
    while True:
        sending["timeout_s"] = _left(deadline)
        reply = (await client.request(method, path, **sending)).raise_for_error()
        if (txid := reply.txid) is None:
            raise UnexpectedReply(f"{method} {path} became no transaction")
        if await _is_committed(client, txid, deadline):
            break
        lost.append(txid)
        if len(lost) > options.get("resend_if_lost", 0):
            raise NotCommitted(txid, "was lost: send it again", is_final=True)
    receipt = None
    if options.get("prove", False):
        receipt = await fetch_verified(
            client,
            txid,
            claims_digest=options.get("claims_digest"),
            timeout_s=_left(deadline),
        )
    return Written(reply=reply, txid=txid, lost=tuple(lost), receipt=receipt)


async def _is_committed(client: Client, txid: TxId, deadline: float) -> bool:
    """Wait until a transaction is committed or lost; return whether it is committed.

    Raises:
        NotCommitted: it is neither in time, or no node can be asked.
    """
    try:
        await wait_committed(client, txid, timeout_s=_left(deadline))
    except NotCommitted as error:
        if not error.is_final:
            raise
        return False
    except Unreachable as error:
        raise NotCommitted(
            txid,
            f"is applied, and no node says more: {error}",
            is_final=False,
        ) from error
    return True


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


REQUEST_TIMEOUT_S = 10.0

_JSON_TYPE = "application/json"


class Connection:
    """A client of one service, as one identity; an asynchronous context manager.

    Args:
        url: where its nodes answer, such as ``https://127.0.0.1:8000``: one address, or
            several, of which the client asks the first that answers.
        service_certificate: the service's certificate as PEM text.
        identity: whose certificate to show, if any.
        timeout_s: the seconds for one call, redirects, waits and repetitions included.
        is_repeating: whether the client repeats requests. Otherwise each request
            arrives once at most; the client still follows redirects, and asks the next
            address if it cannot connect to one.
        has_independent_calls: whether no write relies on what the caller read or wrote
            before. Then the client repeats writes across a change of view.
        keeps_path: whether a redirect to another path is an answer like any other, and
            is not followed: an app may answer so, and nodes never do.

    Raises:
        ClientError: an address or the identity cannot be used.
        Unreachable: ``service_certificate`` is no certificate.
    """

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        url: str | Iterable[str],
        *,
        service_certificate: str,
        identity: Identity | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        is_repeating: bool = True,
        has_independent_calls: bool = False,
        keeps_path: bool = False,
    ) -> None:
        self._addresses = Addresses([url] if isinstance(url, str) else url)
        self.url = self._addresses.known[0]
        self.service_certificate = service_certificate
        context = trust_only(service_certificate)
        if identity is not None:
            show(context, identity)
        self._context = context
        self._timeout_s = timeout_s
        self._rules = Rules(
            is_repeating=is_repeating,
            has_independent_calls=has_independent_calls,
            keeps_path=keeps_path,
            budget=RetryBudget(),
            chance=random.random,
            clock=time.monotonic,
        )
        self._transport: Transport | None = None

    @classmethod
    def of_folder(
        cls,
        url: str | Iterable[str],
        folder: Path,
        *,
        name: str | None = None,
        service: Path,
    ) -> Self:
        """Connect with files as CCF's sandbox lays them out.

        Args:
            url: where nodes answer.
            folder: where the keys of ``name`` are.
            name: a participant such as ``user0``, or nobody.
            service: the file with the service's certificate.
        """
        identity = None if name is None else KeyFiles(folder=folder, name=name)
        return cls(url, service_certificate=read_text(service), identity=identity)

    @property
    def addresses(self) -> Sequence[str]:
        """Return the addresses that the client asks, given and learned."""
        return self._addresses.known

    async def __aenter__(self) -> Self:
        """Open nothing yet; connections are made when they are needed."""
        self._transport = Transport(self._context)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.close()
            self._transport = None

    async def request(
        self, method: str, path: str, **options: Unpack[Sending]
    ) -> Reply:
        """Send one request and return the answer, of whatever status.

        Args:
            method: the HTTP method.
            path: with its query, percent-encoded as it must be.
            options: see ``Sending``.

        Raises:
            OutcomeUnknown: a write was sent, and no answer came. The service may have
                applied it, or not.
            Unreachable: there is no answer, and nothing was applied.
        """
        body, headers = _content(options)
        call = self._call(method, path, options)
        action = call.start()
        while not isinstance(action, Reply):
            if isinstance(action, Pause):
                await asyncio.sleep(action.seconds)
                action = call.start()
                continue
            try:
                reply = await self._send(method, action, body, headers)
            except NotSent as reason:
                action = call.not_sent(str(reason))
            except NoAnswer as reason:
                action = call.no_answer(str(reason))
            except Unreachable as error:
                raise call.failure(str(error)) from error
            else:
                action = call.answered(reply)
        return action

    async def get(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Read; raises as ``request``, and ``ServiceError`` for an error."""
        return (await self.request("GET", path, **options)).raise_for_error()

    async def head(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Ask for the headers of an answer; raises as ``get``."""
        return (await self.request("HEAD", path, **options)).raise_for_error()

    async def options(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Ask which methods a path has, in the header ``allow``; raises as ``get``."""
        return (await self.request("OPTIONS", path, **options)).raise_for_error()

    async def post(
        self, path: str, json: object = None, **options: Unpack[Options]
    ) -> Reply:
        """Send JSON, or another body; raises as ``get``."""
        return await self._send_json("POST", path, json, options)

    async def put(
        self, path: str, json: object = None, **options: Unpack[Options]
    ) -> Reply:
        """Send JSON, or another body; raises as ``get``."""
        return await self._send_json("PUT", path, json, options)

    async def patch(
        self, path: str, json: object = None, **options: Unpack[Options]
    ) -> Reply:
        """Send JSON, or another body; raises as ``get``."""
        return await self._send_json("PATCH", path, json, options)

    async def delete(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Delete; raises as ``get``."""
        return (await self.request("DELETE", path, **options)).raise_for_error()

    async def get_when_ready(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Read what the service prepares first, such as a past state.

        While the service answers 202, the client waits as long as ``Retry-After`` says
        and asks again. ``timeout_s`` is for all of that, 30 s if it is not given.

        Raises:
            UnexpectedReply: the answer is not ready in time.
            ServiceError: the service answers with an error.
            Unreachable: no node answers.
        """
        return await get_when_ready(self, path, options)

    async def write(
        self, method: str, path: str, **options: Unpack[Writing]
    ) -> Written:
        """Write, and wait until the write is committed.

        ``timeout_s`` is for all of that, 20 s if it is not given.

        Args:
            method: the HTTP method.
            path: with its query, percent-encoded as it must be.
            options: see ``Writing``.

        Raises:
            OutcomeUnknown: no answer came, so that there is no transaction to ask for.
            NotCommitted: the transaction was lost (``is_final``) more often than
                ``resend_if_lost`` allows, or is not committed in time. Its id is in the
                error: ``wait_committed`` can ask again.
            ReceiptRefused: ``prove`` was asked, and the receipt does not verify.
            ServiceError: the service refuses.
            UnexpectedReply: the request became no transaction.
            Unreachable: no node could be reached, and nothing was applied.
        """
        return await write(self, method, path, options)

    async def wait_committed(
        self, txid: TxId, *, timeout_s: float = COMMIT_TIMEOUT_S
    ) -> None:
        """Wait until a transaction can no longer be lost.

        Raises:
            NotCommitted: it was lost, or is not committed in time.
            Unreachable: no node answers.
        """
        await wait_committed(self, txid, timeout_s=timeout_s)

    async def verified_receipt(
        self,
        txid: TxId,
        *,
        claims_digest: bytes | None = None,
        timeout_s: float = RECEIPT_TIMEOUT_S,
    ) -> Receipt:
        """Fetch the receipt of a committed transaction, and verify it.

        Args:
            txid: the transaction that the receipt must prove.
            claims_digest: what the receipt must claim, if the caller knows that.
            timeout_s: the seconds until the service must have the receipt.

        Raises:
            ReceiptRefused: the receipt does not verify.
            ServiceError: the service refuses.
            NotCommitted: the service does not have it in time.
            UnexpectedReply: what it gives is no receipt.
        """
        return await fetch_verified(
            self, txid, claims_digest=claims_digest, timeout_s=timeout_s
        )

    async def learn_addresses(self, *, interface: str | None = None) -> Sequence[str]:
        """Ask the service for its nodes, and keep their published addresses.

        Args:
            interface: the name of the interface to use; all interfaces if not given.

        Returns:
            All addresses that the client asks from now on.

        Raises:
            UnexpectedReply: the service's answer has another form.
            ServiceError: the service answers with an error.
            Unreachable: no node answers.
        """
        reply = await self.get("/node/network/nodes")
        self._addresses.learn(published_addresses(reply.object(), interface))
        return self.addresses

    def _call(self, method: str, path: str, options: Sending) -> Call:
        timeout_s = options.get("timeout_s")
        if timeout_s is None:
            timeout_s = self._timeout_s
        is_idempotent = options.get("idempotent", False)
        self._rules.budget.earn()
        return Call(
            method=method,
            path=path,
            repeat=repeatability(method, is_idempotent=is_idempotent),
            addresses=self._addresses,
            rules=self._rules,
            deadline_s=time.monotonic() + timeout_s,
        )

    async def _send_json(
        self, method: str, path: str, json: object, options: Options
    ) -> Reply:
        reply = await self.request(method, path, json=json, **options)
        return reply.raise_for_error()

    async def _send(
        self,
        method: str,
        attempt: Attempt,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Reply:
        assert self._transport is not None, "a connection is used in an async with"
        return await self._transport.send(
            method,
            attempt.url,
            body=body,
            headers=headers,
            timeout_s=attempt.timeout_s,
        )


def _content(options: Sending) -> tuple[bytes | None, Mapping[str, str]]:
    """Return the body of a request, and its headers."""
    headers = dict(options.get("headers") or {})
    body, json = options.get("body"), options.get("json")
    if json is None:
        return body, headers
    assert body is None, "a request has one body"
    headers.setdefault("content-type", _JSON_TYPE)
    return dumps(json), headers


READY_TIMEOUT_S = 30.0
READY_WAIT_S = 0.25
"""Between two requests, if the service names no time."""

_ACCEPTED = 202


async def get_when_ready(client: Client, path: str, options: Sending) -> Reply:
    """Read until the answer is not 202; see ``Connection.get_when_ready``."""
    timeout_s = options.get("timeout_s")
    total_s = READY_TIMEOUT_S if timeout_s is None else timeout_s
    deadline = time.monotonic() + total_s
    while True:
        options["timeout_s"] = deadline - time.monotonic()
        reply = await client.get(path, **options)
        if reply.status != _ACCEPTED:
            return reply
        wait_s = asked_wait_s(reply.headers) or READY_WAIT_S
        if time.monotonic() + wait_s >= deadline:
            raise UnexpectedReply(f"{path} is not ready after {total_s:g} s")
        await asyncio.sleep(wait_s)
