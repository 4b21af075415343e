"""The JSON gateway: `POST /v3/…`, as etcd's own gateway answers."""

from http import HTTPStatus
from typing import Any, Final, TypeVar, Unpack

from apps.etcd.calls import CALLS, KEEP_ALIVE, Call, Place
from apps.etcd.json_form import from_json, to_json
from apps.etcd.limits import CALL_MS_MAX, JSON_BYTES_MAX
from apps.etcd.refusals import Code, Refusal, Refused, refused
from apps.etcd.service import app
from apps.etcd.serving import Form, handler_of
from ccfpy.app import (
    ApiError,
    Context,
    Forwarding,
    JsonObject,
    Mode,
    Options,
    Redirection,
    Response,
    json_reply,
    parse_json,
)

T = TypeVar("T")

_STATUSES: Final = {
    Code.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    Code.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    Code.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    Code.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
_JSON: Final = "application/json"


class GatewayError(ApiError):
    """A refusal in the form of etcd's gateway."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(int(_STATUSES[refusal.code]), refusal.code.name, refusal.text)
        self.refusal = refusal

    def response(self) -> Response:
        """Return the whole response."""
        text = self.refusal.text
        code = int(self.refusal.code)
        body: JsonObject = {"error": text, "code": code, "message": text}
        return json_reply(body, status=self.status)


def parse_request(cls: type[T], body: bytes) -> T:
    """Read a body; an empty one is a request without fields.

    Raises:
        Malformed: the body is no request of the class.
        Refused: the body is too large.
    """
    if len(body) > JSON_BYTES_MAX:
        raise refused(Refusal.REQUEST_TOO_LARGE)
    return from_json(cls, parse_json(body) if body else {})


class JsonForm:
    """Requests and answers in JSON."""

    def read(self, ctx: Context, cls: type[T]) -> T:
        """Read the body."""
        return parse_request(cls, ctx.request.body)

    def reply(self, message: object) -> Response:
        """Answer with a message."""
        return json_reply(to_json(message))

    def refusal(self, refusal: Refused) -> ApiError:
        """Return the refusal as the gateway writes it."""
        return GatewayError(refusal)


class StreamedJsonForm(JsonForm):
    """As the gateway answers where the call is a stream: each answer is a result."""

    def reply(self, message: object) -> Response:
        """Answer with a message of a stream."""
        return json_reply({"result": to_json(message)})


def options_of(call: Call) -> Options:
    """Return how an endpoint of a call runs."""
    return Options(
        execution_ms_max=CALL_MS_MAX,
        mode=Mode.READ_ONLY if call.place is Place.ANY_NODE else Mode.READ_WRITE,
        forwarding=Forwarding.ALWAYS
        if call.place is Place.PRIMARY
        else Forwarding.NEVER,
        redirection=Redirection.TO_PRIMARY
        if call.place is Place.PRIMARY
        else Redirection.NONE,
    )


def _serve(call: Call, form: Form) -> None:
    for path in call.paths:
        options: dict[str, Any] = {**options_of(call)}
        described = Options(
            takes=JsonObject,
            answers=JsonObject,
            also=dict.fromkeys((400, 404, 429, 501, 503), _JSON),
        )
        _declare(path, call, form, **{**options, **described})


def _declare(path: str, call: Call, form: Form, **options: Unpack[Options]) -> None:
    app.post(path, **options)(handler_of(call, form))


for _each in CALLS:
    _serve(_each, JsonForm())
_serve(KEEP_ALIVE, StreamedJsonForm())
