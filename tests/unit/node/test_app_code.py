"""A failure in an application is logged, with as much detail as members decided."""

import pytest

from ccfpy.base.errors import Unwritable
from ccfpy.base.limits import APP_RESPONSE_BYTES_CEILING, APP_RESPONSE_BYTES_MAX
from ccfpy.base.ports import CallStopped
from ccfpy.boundary.effects import LogTag, WriteLog
from ccfpy.kv.store import Store
from ccfpy.node.app import AppCode, limits_of
from ccfpy.node.outbox import Outbox
from ccfpy.service.tables.python import RUNTIME_OPTIONS, PythonRuntimeOptions
from tests.attacks import attack
from tests.unit.node.calling import app_code

SECRET = "a private value"


class World:
    """What calls an application's code, and what it logged."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.app: AppCode = app_code(self.outbox)

    def logged(self) -> list[str]:
        return [e.message for e in self.outbox.take() if isinstance(e, WriteLog)]

    def fail(self) -> list[str]:
        def look_up(_: object) -> str:
            nothing: dict[str, str] = {}
            try:
                return nothing[SECRET]
            except KeyError as error:
                raise ValueError(SECRET) from error

        given = self.app.call_back("GET /x", look_up, None, otherwise="nothing")
        assert given == "nothing"
        return self.logged()


@attack("applications: a private value in an exception")
def test_by_itself_the_log_names_the_kind_and_an_id() -> None:
    (line,) = World().fail()
    assert line.startswith("Unhandled ValueError in GET /x (id ")
    assert SECRET not in line


@attack("applications: a private value in an exception")
def test_places_are_logged_where_they_are_asked_for() -> None:
    world = World()
    world.app.logs_places = True
    summary, raised, cause = world.fail()
    failure = summary.partition("(id ")[2].rstrip(")")
    assert raised.startswith(f"id {failure}: ValueError at ")
    assert "test_app_code.py:" in raised
    assert cause.startswith(f"id {failure}: after KeyError at ")
    assert SECRET not in raised + cause


def test_texts_are_logged_where_members_decided_so() -> None:
    world = World()
    world.app.calls.limits.log_exception_details = True
    _, raised, cause = world.fail()
    assert f"ValueError ({SECRET}) at " in raised
    assert f"KeyError ('{SECRET}') at " in cause


def test_a_text_that_cannot_be_made_is_left_out() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    world = World()
    world.app.calls.limits.log_exception_details = True
    world.app.failed("GET /x", Mute(), tag=LogTag.APP)
    assert "Mute (<no text>) at " in world.logged()[1]


def test_each_failure_has_an_id_of_its_own() -> None:
    app = World().app
    ids = {app.failed("GET /x", KeyError(), tag=LogTag.APP) for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CallStopped("it took 9 ms", is_late=True), "Stopped, as it took 9 ms, in "),
        (Unwritable("9 bytes"), "Unwritable answer (9 bytes) in "),
    ],
)
def test_a_limit_is_named_with_what_was_used(error: Exception, words: str) -> None:
    world = World()
    world.app.failed("GET /x", error, tag=LogTag.APP)
    assert world.logged()[0].startswith(f"{words}GET /x (id ")


def test_members_decide_of_limits() -> None:
    world, store = World(), Store()
    world.app.watch(store)
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).put(PythonRuntimeOptions(max_execution_time_ms=7))
    seqno = store.commit(tx)
    assert seqno is not None
    assert world.app.calls.limits.execution_ms_max == 1000
    store.compact(store.version)
    assert world.app.calls.limits.execution_ms_max == 7
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).remove()
    store.commit(tx)
    store.compact(store.version)
    assert world.app.calls.limits.execution_ms_max == 1000


def test_what_they_decided_before_is_read() -> None:
    world, store = World(), Store()
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).put(PythonRuntimeOptions(log_exception_details=True))
    world.app.read(tx)
    assert world.app.calls.limits.log_exception_details


def test_options_of_no_known_form_change_nothing() -> None:
    world, store = World(), Store()
    tx = store.begin()
    RUNTIME_OPTIONS.of(tx).raw.put(bytes(8), b'{"max_execution_time_ms":"soon"}')
    world.app.read(tx)
    assert world.app.calls.limits.execution_ms_max == 1000
    assert "stay as they are" in world.logged()[0]


def test_no_decision_takes_a_limit_away() -> None:
    decided = PythonRuntimeOptions(max_execution_time_ms=0, max_response_bytes=2**40)
    limits = limits_of(decided)
    assert limits.execution_ms_max == 1
    assert limits.response_bytes_max == APP_RESPONSE_BYTES_CEILING
    assert limits_of(PythonRuntimeOptions()).response_bytes_max == (
        APP_RESPONSE_BYTES_MAX
    )
