"""The enclave's process: it is whole, or it ends and says why."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from ccfpy.boundary.effects import Effect, LogLevel, WriteLog
from ccfpy.boundary.wire import EFFECTS, FrameReader
from ccfpy.enclave import __main__ as program
from ccfpy.enclave.channel import HostChannel
from ccfpy.host.enclave_process import PIPE_BYTES
from tests.unit.enclave.hosts_end import DEADLINE_S, HostsEnd

pytestmark = pytest.mark.slow

CHILD = """
import sys, threading
from ccfpy.enclave import __main__ as program, scripts, threads, watchdog

def fail(*_, **__):
    raise KeyError("a secret")

def leave(*_, **__):
    raise SystemExit(0)

{change}
sys.exit(program.main(["--app", sys.argv[1], "--channel", *sys.argv[2:]]))
"""
DEATHS = {
    "the engine's thread": ("scripts.module = fail", "KeyError"),
    "the engine's thread, by leaving": ("scripts.module = leave", "SystemExit"),
    "the watchdog": ("watchdog.Watchdog._watch = fail", "KeyError"),
    "the main thread": ("threads.NodeThreads.drive = fail", "KeyError"),
    "the main thread, by leaving": ("threads.NodeThreads.drive = leave", "SystemExit"),
}
APP = """
import json, sys, threading
from ccfpy.app import App
from ccfpy.base.json import loads

def fail(text):
    raise KeyError(text)

app = App("careless")
thread = threading.Thread(target={function}, args=("a secret",), name={name!r})
thread.start()
thread.join()
"""
FAILURES = {
    "in its own line": ("fail", "KeyError"),
    "in Python's library": ("json.loads", "JSONDecodeError"),
    "in Python's library, written in C": ("int", "ValueError"),
    "in ccfpy": ("loads", "Malformed"),
}


class _Enclave:
    """The program in a process, changed, and the host's end of its channel."""

    def __init__(self, change: str, app: str = "logging") -> None:
        self.channel = HostsEnd()
        code = CHILD.format(change=change)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, app, *map(str, self.channel.theirs)],
            pass_fds=self.channel.theirs,
            stdin=subprocess.DEVNULL,
        )
        self.channel.theirs.close()

    def hear(self, count: int) -> list[Effect]:
        """Return the first effects, so many."""
        reader, effects = FrameReader(), list[Effect]()
        while len(effects) < count:
            data = self.channel.hear()
            assert data, "it ended"
            for body in reader.feed(data):
                effects += EFFECTS.decode(body)
        return effects

    def hear_all(self) -> list[Effect]:
        """Return all that it says until it ends."""
        reader = FrameReader()
        effects: list[Effect] = []
        while data := self.channel.hear():
            for body in reader.feed(data):
                effects += EFFECTS.decode(body)
        return effects

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        try:
            return self._process.wait(DEADLINE_S)
        finally:
            self.channel.close()
            self._process.kill()
            self._process.wait()


@pytest.mark.parametrize("who", DEATHS)
def test_an_enclave_that_loses_a_thread_ends_and_says_which_function(who: str) -> None:
    change, error = DEATHS[who]
    enclave = _Enclave(change)
    try:
        said = enclave.hear_all()
    finally:
        code = enclave.wait()
    assert code == 1
    (why,) = (it for it in said if isinstance(it, WriteLog) and it.level == "fatal")
    function = "leave" if "leaving" in who else "fail"
    assert why.message.startswith(f"Exception in the enclave: {error} at <string>:")
    assert f" {function} < " in why.message
    assert "secret" not in why.message


@pytest.mark.parametrize("name", ["theirs", "node", "watchdog"])
@pytest.mark.parametrize("how", FAILURES)
def test_a_thread_of_an_application_may_fail_alone(
    tmp_path: Path, how: str, name: str
) -> None:
    function, error = FAILURES[how]
    app = tmp_path / "careless.py"
    app.write_text(APP.format(function=function, name=name))
    enclave = _Enclave("", str(app))
    try:
        log, isolated = enclave.hear(2)
        enclave.channel.close()
    finally:
        code = enclave.wait()
    assert isinstance(log, WriteLog)
    assert isinstance(isolated, WriteLog)
    assert isolated.level is not LogLevel.FATAL
    assert log.level is LogLevel.FAIL
    said = f"A thread of the application failed: {error}"
    assert log.message.startswith(said)
    assert "secret" not in log.message
    assert code == 0


def test_a_thread_of_an_application_may_leave(tmp_path: Path) -> None:
    app = tmp_path / "careless.py"
    app.write_text(APP.format(function="sys.exit", name="theirs"))
    enclave = _Enclave("", str(app))
    try:
        (log,) = enclave.hear(1)
        enclave.channel.close()
    finally:
        code = enclave.wait()
    assert isinstance(log, WriteLog)
    assert "failed" not in log.message
    assert code == 0


def test_a_process_ends_though_nobody_hears_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Ended(Exception):
        pass

    def end(code: int) -> None:
        assert code == 1
        raise Ended

    monkeypatch.setattr("os._exit", end)
    host = HostsEnd()
    host.close()
    with HostChannel(*host.theirs) as channel, pytest.raises(Ended):
        program.end_at_once(
            channel, WriteLog(level=LogLevel.FATAL, message="nobody hears it")
        )


def test_a_last_word_comes_behind_what_another_thread_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os._exit", lambda _code: None)
    host = HostsEnd()
    long = WriteLog(level=LogLevel.INFO, message="x" * (4 * PIPE_BYTES))
    last = WriteLog(level=LogLevel.FATAL, message="the last word")
    reader, heard = FrameReader(), list[Effect]()
    with HostChannel(*host.theirs) as channel:
        other = Thread(target=channel.send, args=(EFFECTS.encode([long]),))
        other.start()
        data = host.hear()  # it is in the midst of it
        ending = Thread(target=program.end_at_once, args=(channel, last))
        ending.start()
        while len(heard) < 2:
            for body in reader.feed(data):
                heard += EFFECTS.decode(body)
            data = host.hear() if len(heard) < 2 else b""
        other.join()
        ending.join()
    host.close()
    assert heard == [long, last]


def test_nothing_is_said_at_last_while_another_thread_goes_on_writing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    monkeypatch.setattr(program, "LAST_WORD_WAIT_MS", 1)
    host = HostsEnd()
    long = EFFECTS.encode(
        [WriteLog(level=LogLevel.INFO, message="x" * (2 * PIPE_BYTES))]
    )
    last = WriteLog(level=LogLevel.FATAL, message="the last word")
    heard = b""
    with HostChannel(*host.theirs) as channel:
        other = Thread(target=channel.send, args=(long,))
        other.start()
        heard += host.hear()  # and no more for now
        ending = Thread(target=program.end_at_once, args=(channel, last))
        ending.start()
        ending.join()
        assert codes == [1]
        while len(heard) < len(long):
            heard += host.hear()
        other.join()
    host.close()
    assert heard == long
