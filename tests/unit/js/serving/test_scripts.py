"""What an application may say of its scripts."""

from collections.abc import Mapping, Sequence

from ccfpy.js.access import Permission
from ccfpy.js.host import Extension, HostFunction
from ccfpy.js.serving import GOVERNED, Scripts
from ccfpy.js.serving.present import Present
from tests.unit.js.serving.installed import Installed


class Path:
    """An extension that tells a script the request's path."""

    source = "(function (host, { namespace }) { namespace('mine', host); })"

    def __init__(self, present: Present) -> None:
        self._present = present

    def functions(self) -> Mapping[str, HostFunction]:
        return {"path": lambda: self._present.context.request.path}


def more(present: Present) -> Sequence[Extension]:
    return [Path(present)]


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
