"""The request that an endpoint's function is called with, and the response it returns.

The request is made and the response is read in the script's own context, under its
limits: what a function returns may be a proxy, endless, or full of getters that throw.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from ccfpy.base.limits import JS_RESPONSE_HEADERS_MAX
from ccfpy.http.errors import JSON_CONTENT_TYPE, internal_error
from ccfpy.js.extension import ExtensionArgument, ExtensionFunction, own_source
from ccfpy.js.extensions.description import Description, encode_request

if TYPE_CHECKING:
    from ccfpy.js.engine import Interpreter, JsLimits


class CallStage(Enum):
    """How far a call has come, which decides on the message of its failure."""

    EXECUTING = "executing"
    WRITING_JSON = "writing_json"


class RequestView(Protocol):
    """The request that is being answered, as its script sees it."""

    def described(self) -> Description:
        """Return everything but the body."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...

    @property
    def signed_content(self) -> bytes:
        """What the caller signed, if it authenticated by a signed request."""
        ...


_CONTENT_TYPES: Final = (
    None,
    "application/octet-stream",
    "text/plain",
    JSON_CONTENT_TYPE,
)
"""By the form of a body, as ``requests.h`` numbers forms."""
_OK: Final = 200
_WITHOUT_BODY: Final = frozenset({204, 304})
"""Statuses without a body: a client would take a body for the next answer."""
_STATUSES: Final = range(100, 1000)
_OURS: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that say how a response travels; scripts cannot set them."""


class RequestExtension:
    """The extension that makes the request and reads the response.

    Call ``begin`` before each call of a script; then the attributes hold the response.

    Attributes:
        stage: how far the script has come.
        is_answered: whether the script returned a whole response.
        status: the status of the response.
        headers: the headers of the response, by lower-case name.
        body: the body of the response.
    """

    source: Final = own_source(__name__)

    def __init__(self, request: RequestView) -> None:
        self._request = request
        self.begin()

    def begin(self) -> None:
        """Forget the last response."""
        self.stage = CallStage.EXECUTING
        self.is_answered = False
        self.status = _OK
        self.headers: dict[str, str] = {}
        self.body = b""

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "text": self._text,
            "bytes": self._bytes,
            "signedContent": self._signed_content,
            "refuse": _refuse,
            "writingJson": self._writing_json,
            "answer": self._answer,
        }

    def ask(
        self,
        interpreter: "Interpreter",
        module: str,
        function: str,
        limits: "JsLimits",
    ) -> None:
        """Call a function to answer the request; raise as ``Interpreter.serve``."""
        request = self._request
        given = encode_request(request.described(), request.body)
        left = interpreter.serve(module, function, limits, given)
        if left:
            self._answer(*left)

    # The request

    def _text(self) -> str:
        """Return the body as text, with replacement characters as in QuickJS."""
        return self._request.body.decode(errors="replace")

    def _bytes(self) -> bytes:
        return self._request.body

    def _signed_content(self) -> bytes:
        return self._request.signed_content

    # The response

    def _writing_json(self) -> None:
        self.stage = CallStage.WRITING_JSON

    def _answer(
        self,
        form: ExtensionArgument,
        body: ExtensionArgument,
        status: ExtensionArgument,
        *headers: ExtensionArgument,
    ) -> None:
        """Keep a response: its body, the body's form, its status and its headers."""
        assert isinstance(form, int), "the engine numbers forms"
        content_type = _CONTENT_TYPES[form]
        if content_type is not None:
            self.body = body if isinstance(body, bytes) else _utf8(str(body))
            self.headers["content-type"] = content_type
        for at in range(0, len(headers), 2):
            self._add_header(str(headers[at]).lower(), str(headers[at + 1]))
        if status is not None:
            self._set_status(status)
        if self.status in _WITHOUT_BODY:
            self.body = b""
        self.is_answered = True

    def _add_header(self, name: str, value: str) -> None:
        if name in _OURS:
            return
        if not _is_token(name):
            _refuse("header type")
        value = _utf8(value).decode("latin-1")
        if not _is_field_value(value) or len(self.headers) >= JS_RESPONSE_HEADERS_MAX:
            _refuse("header value type")
        self.headers[name] = value

    def _set_status(self, status: ExtensionArgument) -> None:
        if not isinstance(status, int | float) or status not in _STATUSES:
            _refuse("status code type")
        self.status = int(status)


def _refuse(what: str) -> NoReturn:
    """End the call, as the script returned no valid response.

    Raises:
        ApiError: always; the script cannot catch it, and it answers the request.
    """
    raise internal_error(f"Invalid endpoint function return value ({what}).")


_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def _is_token(name: str) -> bool:
    return bool(name) and all(c in _TOKEN for c in name)


def _is_field_value(value: str) -> bool:
    return all(c == "\t" or " " <= c != "\x7f" for c in value)


def _utf8(text: str) -> bytes:
    """Encode text, which may hold half a surrogate pair in JavaScript."""
    return text.encode(errors="surrogatepass")
