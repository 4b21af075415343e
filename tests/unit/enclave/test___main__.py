"""The enclave's process: it is whole, or it ends and says why."""

import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.boundary.effects import Effect, LogLevel, WriteLog
from ccfpy.boundary.wire import EFFECTS, FrameReader
from ccfpy.enclave import __main__ as program
from ccfpy.enclave.channel import HostChannel
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
import threading
from ccfpy.app import App

app = App("careless")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""


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


def test_a_thread_of_an_application_may_die_alone(tmp_path: Path) -> None:
    app = tmp_path / "careless.py"
    app.write_text(APP)
    enclave = _Enclave("", str(app))
    try:
        (log,) = EFFECTS.decode(next(iter(FrameReader().feed(enclave.channel.hear()))))
        assert isinstance(log, WriteLog)
        assert log.level is not LogLevel.FATAL
        enclave.channel.close()
    finally:
        code = enclave.wait()
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
