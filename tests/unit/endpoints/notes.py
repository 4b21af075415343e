"""An app of notes, as small as can be, and what its answers say."""

from ccfpy.base import json
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Mode, Redirection
from ccfpy.endpoints.replies import json_reply
from ccfpy.http.messages import Response
from ccfpy.kv.maps import STRING, Map

NOTES = Map("notes", STRING, STRING)


def write(context: Context) -> Response:
    NOTES.of(context.tx).put("k", context.request.body.decode())
    return json_reply(True)


def read(context: Context) -> Response:
    return json_reply(NOTES.of(context.tx).get("k"))


WRITE = Endpoint(method="POST", path="/notes", handler=write)
READ = Endpoint(
    method="GET",
    path="/notes",
    handler=read,
    mode=Mode.READ_ONLY,
    redirection=Redirection.NONE,
)


def code_of(response: Response) -> object:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return error["code"]


def message_of(response: Response) -> str:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return str(error["message"])
