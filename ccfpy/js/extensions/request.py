"""The request an endpoint is called with, and the response it gives.

Both are shaped here, in the guest's own world and under its limits: what a handler
returns may be a proxy, endless, or full of getters that throw.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NoReturn, Protocol

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import JS_RESPONSE_HEADERS_MAX
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode
from ccfpy.js.host import HostArgument, HostFunction


class Stage(Enum):
    """How far a call has come, which decides what its failure is called."""

    EXECUTING = "executing"
    WRITING_JSON = "writing_json"


class RequestView(Protocol):
    """The request being answered, as its guest sees it."""

    def described(self) -> JsonObject:
        """Give everything but the body, as JSON."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...

    @property
    def signed_content(self) -> bytes:
        """What the caller signed, where it authenticated by signing the request."""
        ...


_SOURCE = """
(function (host, tools) {
  const { apply, arity, parse, stringify, textOf, isBuffer } = tools;
  const { isInteger } = Number;
  const { isView } = ArrayBuffer;
  const { keys, getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { slice } = ArrayBuffer.prototype;
  const { then } = Promise.prototype;
  const P = Promise;
  const TypedArray = getPrototypeOf(Uint8Array.prototype);
  const getter = (name) => getOwnPropertyDescriptor(TypedArray, name).get;
  const bufferOf = getter("buffer");
  const offsetOf = getter("byteOffset");
  const lengthOf = getter("byteLength");

  const noStatus = -1;
  const none = ", but expected none";
  const body = {
    text(...args) {
      arity(args, 0, none);
      return host.text();
    },
    json(...args) {
      arity(args, 0, none);
      return parse(host.text());
    },
    arrayBuffer(...args) {
      arity(args, 0, none);
      return host.bytes();
    },
  };

  function sign(caller) {
    if (caller === null) return;
    if (caller.cose) caller.cose = { content: host.signedContent() };
    if (typeof caller.policy !== "string") {
      for (let i = 0; i < caller.policy.length; i++) sign(caller[caller.policy[i]]);
    }
  }

  function request() {
    const { headers, query, path, method, hostname, route, url, params, caller } =
      parse(host.describe());
    sign(caller);
    return {
      headers, query, path, method, hostname, route, url, params,
      body: { ...body },
      caller,
    };
  }

  function bytesOf(value) {
    if (isBuffer(value)) return value;
    if (!isView(value)) return undefined;
    try {
      const buffer = apply(bufferOf, value, []);
      const offset = apply(offsetOf, value, []);
      return apply(slice, buffer, [offset, offset + apply(lengthOf, value, [])]);
    } catch {
      return undefined;
    }
  }

  // Appends the form of a body, and the body.
  function addBody(list, value) {
    let form = "none";
    let body;
    if (value !== undefined) {
      body = bytesOf(value);
      if (body !== undefined) {
        form = "bytes";
      } else if (typeof value === "string") {
        form = "text";
        body = value;
      } else {
        form = "json";
        try {
          body = textOf(stringify(value));
        } catch (thrown) {
          host.writingJson();
          throw thrown;
        }
      }
    }
    list[0] = form;
    list[1] = body;
    list.length = 3;
  }

  function addHeaders(list, headers) {
    if (typeof headers !== "object" || headers === null) return;
    const names = keys(headers);
    for (let i = 0; i < names.length; i++) {
      const value = headers[names[i]];
      let text;
      try {
        text = textOf(value);
      } catch {
        host.refuse("header value type");
      }
      list[list.length++] = names[i];
      list[list.length++] = text;
    }
  }

  function answer(result) {
    const kind = typeof result;
    if (result === null || (kind !== "object" && kind !== "function")) {
      host.refuse("not an object");
    }
    const list = { __proto__: null };
    addBody(list, result.body);
    addHeaders(list, result.headers);
    const { statusCode } = result;
    if (statusCode !== undefined && statusCode !== null) {
      list[2] = isInteger(statusCode) ? statusCode : noStatus;
    }
    apply(host.answer, undefined, list);
  }

  tools.serve = (handler) => {
    const result = handler(request());
    if (result instanceof P) return apply(then, result, [answer]);
    answer(result);
    return undefined;
  };
})
"""

_CONTENT_TYPES = {
    "none": None,
    "bytes": "application/octet-stream",
    "text": "text/plain",
    "json": JSON_CONTENT_TYPE,
}
_OK = 200
_WITHOUT_BODY = frozenset({204, 304})
"""Statuses whose answers have none: a client would take it for the next answer."""
_STATUSES = range(100, 1000)
_OURS = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that say how an answer travels, which is not the guest's business."""


class Endpoint:
    """The extension; ``begin`` before each call, then read what the guest answered.

    Attributes:
        stage: how far the guest has come.
        is_answered: whether it gave a whole response.
        status: of the response.
        headers: of the response, by lower-case name.
        body: of the response.
    """

    source: Final = _SOURCE

    def __init__(self, request: RequestView) -> None:
        self._request = request
        self.begin()

    def begin(self) -> None:
        """Forget the answer before."""
        self.stage = Stage.EXECUTING
        self.is_answered = False
        self.status = _OK
        self.headers: dict[str, str] = {}
        self.body = b""

    def functions(self) -> Mapping[str, HostFunction]:
        """Give the host functions."""
        return {
            "describe": self._describe,
            "text": self._text,
            "bytes": self._bytes,
            "signedContent": self._signed_content,
            "refuse": _refuse,
            "writingJson": self._writing_json,
            "answer": self._answer,
        }

    # The request

    def _describe(self) -> str:
        return json.dumps(self._request.described()).decode()

    def _text(self) -> str:
        """Decode; what is not UTF-8 becomes replacement characters, as in QuickJS."""
        return self._request.body.decode(errors="replace")

    def _bytes(self) -> bytes:
        return self._request.body

    def _signed_content(self) -> bytes:
        return self._request.signed_content

    # The response

    def _writing_json(self) -> None:
        self.stage = Stage.WRITING_JSON

    def _answer(
        self,
        form: str,
        body: HostArgument,
        status: HostArgument,
        *headers: HostArgument,
    ) -> None:
        """Take a response: its body and what it is, its status, names and values."""
        content_type = _CONTENT_TYPES[form]
        if content_type is not None:
            self.body = body if isinstance(body, bytes) else _utf8(str(body))
            self.headers["content-type"] = content_type
        for name, value in zip(headers[::2], headers[1::2], strict=True):
            self._add_header(str(name).lower(), str(value))
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

    def _set_status(self, status: HostArgument) -> None:
        if not isinstance(status, int | float) or status not in _STATUSES:
            _refuse("status code type")
        self.status = int(status)


def _refuse(what: str) -> NoReturn:
    """End the call: what the guest gave is no response.

    Raises:
        ApiError: always; it passes the guest and answers the request.
    """
    raise ApiError(
        500,
        ErrorCode.InternalError,
        f"Invalid endpoint function return value ({what}).",
    )


_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def _is_token(name: str) -> bool:
    return bool(name) and all(c in _TOKEN for c in name)


def _is_field_value(value: str) -> bool:
    return all(c == "\t" or " " <= c != "\x7f" for c in value)


def _utf8(text: str) -> bytes:
    """Encode; a JavaScript string may hold half a surrogate pair."""
    return text.encode(errors="surrogatepass")
