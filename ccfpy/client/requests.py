"""What a caller may say about one request, and a service's answer to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject, loads
from ccfpy.client.errors import ServiceError, UnexpectedReply

if TYPE_CHECKING:
    from ccfpy.ledger.receipt import Receipt

TXID_HEADER = "x-ms-ccf-transaction-id"
ERROR_STATUS_MIN = 400
EXCERPT_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, headers and body.

    Attributes:
        headers: by lower-case name.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_error(self) -> bool:
        """Whether the service refused or failed."""
        return self.status >= ERROR_STATUS_MIN

    @property
    def text(self) -> str:
        """The body as text, whatever is not UTF-8 replaced."""
        return self.body.decode(errors="replace")

    @property
    def error_code(self) -> str:
        """Return CCF's name for the error; nothing where the body has none."""
        return _service_error(self).code

    @property
    def txid(self) -> TxId | None:
        """The transaction that the request became, if it became one.

        Raises:
            UnexpectedReply: the header names none.
        """
        text = self.headers.get(TXID_HEADER)
        if text is None:
            return None
        try:
            return TxId.parse(text)
        except Malformed as error:
            raise UnexpectedReply(f"{TXID_HEADER}: {error}") from error

    def json(self) -> Json:
        """Read the body.

        Raises:
            UnexpectedReply: it is not JSON.
        """
        try:
            return loads(self.body)
        except Malformed as error:
            excerpt = self.text[:EXCERPT_CHARACTERS]
            raise UnexpectedReply(f"expected JSON, found {excerpt!r}") from error

    def object(self) -> JsonObject:
        """Read the body as a JSON object.

        Raises:
            UnexpectedReply: it is none.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise UnexpectedReply(
                f"expected a JSON object, found {self.text[:EXCERPT_CHARACTERS]!r}"
            )
        return value

    def raise_for_error(self) -> "Reply":
        """Return the reply itself, unless it is an error.

        Raises:
            ServiceError: it is one.
        """
        if self.is_error:
            raise _service_error(self)
        return self


def text_field(fields: JsonObject, name: str) -> str:
    """Return a text that a reply must have.

    Raises:
        UnexpectedReply: it has not.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise UnexpectedReply(f"expected text as {name!r} in a reply, found {value!r}")
    return value


def _service_error(reply: Reply) -> ServiceError:
    error: Json = None
    try:
        value = loads(reply.body)
    except Malformed:
        value = None
    if isinstance(value, dict):
        error = value.get("error")
    if not isinstance(error, dict):
        return ServiceError(reply.status, "", reply.text[:EXCERPT_CHARACTERS])
    code, message = error.get("code"), error.get("message")
    return ServiceError(
        reply.status,
        code if isinstance(code, str) else "",
        message if isinstance(message, str) else "",
        details=error.get("details"),
    )


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
    receipt: "Receipt | None" = None


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
