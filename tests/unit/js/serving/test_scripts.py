"""An application's options for its scripts."""

from collections.abc import Mapping, Sequence

from ccfpy.js.engine import Permission
from ccfpy.js.extension import Extension, ExtensionFunction
from ccfpy.js.serving import GOVERNED, Scripts
from ccfpy.js.serving.current_request import CurrentRequest
from tests.unit.js.serving.installed import Installed


class Path:
    """An extension that tells a script the request's path."""

    source = "(function (host, { namespace }) { namespace('mine', host); })"

    def __init__(self, current_request: CurrentRequest) -> None:
        self._current_request = current_request

    def functions(self) -> Mapping[str, ExtensionFunction]:
        return {"path": lambda: self._current_request.context.request.path}


def more(current_request: CurrentRequest) -> Sequence[Extension]:
    return [Path(current_request)]


def nothing(_: str, __: Permission) -> tuple[Permission, str | None]:
    return Permission.NONE, "Closed."


def test_an_application_may_add_functions_of_its_own() -> None:
    installed = Installed(Scripts(tables=GOVERNED, more=more))
    assert installed.value("return { body: { at: ccf.mine.path() } }") == {
        "at": "/app/f"
    }


def test_an_application_may_close_tables() -> None:
    installed = Installed(Scripts(tables=GOVERNED, narrowing=nothing))
    body = "try { ccf.kv['t'].size } catch (e) { return { body: { e: String(e) } } }"
    told = installed.value(body)
    assert told == {"e": 'TypeError: Cannot call "size" on table named t. Closed.'}
