"""What a caller may say about one request, and what sends requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypedDict, Unpack

from ccfpy.base.ids import TxId
from ccfpy.client.reply import Reply
from ccfpy.ledger.receipt import Receipt


class Options(TypedDict, total=False):
    """Options of every method that sends a request.

    Attributes:
        body: what to send, if not JSON.
        headers: in addition to those that follow from the rest.
        idempotent: whether a write may be applied twice. Then the client also repeats a
            write that may have been applied. Requests that change nothing always are.
        timeout_s: the seconds for the whole call, with all redirects, waits and
            repetitions; the connection's ``timeout_s`` if it is not given.
    """

    body: bytes | None
    headers: Mapping[str, str] | None
    idempotent: bool
    timeout_s: float | None


class Sending(Options, total=False):
    """Options of methods that do not take JSON as an argument of its own.

    Attributes:
        json: what to send as JSON, instead of ``body``.
    """

    json: object


class Writing(Sending, total=False):
    """Options of a write that is followed until it is committed.

    Attributes:
        resend_if_lost: how often to send the write again if the service reports that
            its transaction was lost for certain, as happens when a primary fails.
        prove: whether to fetch the receipt and verify it.
        claims_digest: what the receipt must claim, if the caller knows that.
    """

    resend_if_lost: int
    prove: bool
    claims_digest: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A write that is committed: no failure of nodes can take it back.

    Attributes:
        reply: the answer to the write that was committed.
        txid: its transaction.
        lost: earlier transactions of the same write, which were lost for certain.
        receipt: its receipt, verified, if the caller asked for it.
    """

    reply: Reply
    txid: TxId
    lost: tuple[TxId, ...] = ()
    receipt: Receipt | None = None


class Client(Protocol):
    """What sends requests to a service: a ``Connection``, for what it is made of.

    Attributes:
        service_certificate: the service's certificate as PEM text.
    """

    service_certificate: str

    async def request(
        self, method: str, path: str, **options: Unpack[Sending]
    ) -> Reply:
        """Send one request; see ``Connection.request``."""

    async def get(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Read; see ``Connection.get``."""
