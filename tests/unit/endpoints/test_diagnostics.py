"""Mistakes in declarations are refused with the place, the mistake and the remedy."""

import sys
from functools import partial
from types import ModuleType

import pytest

from ccfpy.app import App, Context, Misdeclared, Response
from tests.house.app_mistakes import MISTAKES, Mistake

FILE, MODULE = "notes.py", "mistaken_notes"
OPENING = """\
from dataclasses import dataclass
from typing import Annotated
from ccfpy.app import U64, App, AppCaller, Context, HistoricalState, JobContext, Mode,\
 Provided, RequestCredentials, custom_policy

app = App("notes")

@dataclass
class Note:
    text: str

@app.get("/x/{one}")
def first(ctx: Context, one: U64) -> int: ...

"""


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.code)
def test_a_mistake_is_refused_in_one_sentence(
    mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType(MODULE)
    monkeypatch.setitem(sys.modules, MODULE, module)
    source = compile(OPENING + mistake.code, FILE, "exec")
    with pytest.raises(Misdeclared) as refused:
        exec(source, vars(module))
    before = mistake.code[: mistake.code.rindex("@")].count("\n")
    line = OPENING.count("\n") + before + 1
    assert str(refused.value) == f"{FILE}:{line}: {mistake.sentence}"


def test_an_unknown_policy_is_named_with_those_there_are() -> None:
    def read(_: Context) -> int:
        raise AssertionError

    with pytest.raises(Misdeclared, match=r"no policy 'sesame'; there are no_auth, "):
        App("notes").get("/x", auth=["sesame"])(read)


def test_what_runs_after_the_commit_may_not_be_a_coroutine_either() -> None:
    async def told(*_: object) -> None:
        raise AssertionError

    def write(_: Context) -> int:
        raise AssertionError

    with pytest.raises(Misdeclared, match=r'told is declared by "async def"'):
        App("notes").put("/x", on_local_commit=told)(write)  # type: ignore[arg-type]  # the mistake this is about


def test_only_a_function_of_pythons_is_declared() -> None:
    with pytest.raises(TypeError, match="is no function: declare one with def"):
        App("notes").get("/x")(partial(print, "x"))


def test_a_method_and_a_wrapped_function_are_taken() -> None:
    class Desk:
        def read(self, _: Context) -> Response:
            raise AssertionError

    app = App("notes", has_common_endpoints=False)
    app.get("/x")(Desk().read)
    assert [endpoint.path for endpoint in app.registry()] == ["/x"]
