"""The line about isolation in the host's log."""

from ccfpy.boundary.effects import LogLevel
from ccfpy.enclave.isolation.report import Isolation


def test_all_of_it_is_worth_a_line() -> None:
    isolation = Isolation(layers=("no_new_privs", "Landlock(7)"), lacks=())
    assert str(isolation) == "Isolation: no_new_privs, Landlock(7)"
    assert isolation.is_whole
    assert isolation.log().level is LogLevel.INFO
    assert isolation.log().message == str(isolation)


def test_a_lack_is_said_loudly_with_its_reason() -> None:
    isolation = Isolation(layers=("rlimits",), lacks=("no Landlock: why", "no seccomp"))
    assert str(isolation) == (
        "Isolation is reduced: no Landlock: why; no seccomp (there is: rlimits)"
    )
    assert not isolation.is_whole
    assert isolation.log().level is LogLevel.FAIL


def test_nothing_is_called_nothing() -> None:
    isolation = Isolation(layers=(), lacks=("turned off",))
    assert str(isolation) == "Isolation is reduced: turned off (there is: nothing)"
