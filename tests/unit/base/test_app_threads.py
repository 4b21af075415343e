"""The threads of a node that has one: a call is a plain call, and none is away."""

from ccfpy.base.app_threads import AppThreads


def test_one_thread_waits_for_every_call() -> None:
    threads = AppThreads()
    threads.allow(3)
    assert threads.call(len, "four", 1, 1) == 4
    assert threads.call(len, "four", 1, 1, 5) == 4
    assert threads.beside(len, "four") == 4
    assert threads.inside(len, "four") == 4
    assert not threads.is_full
    assert not threads.is_python_full
