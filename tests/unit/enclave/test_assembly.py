"""A real node in the enclave's real process."""

import contextlib
import resource
import subprocess
from pathlib import Path

import pytest

from ccfpy.boundary.effects import Stop, WriteLog
from ccfpy.boundary.events import StopKind, StopRequested
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader
from ccfpy.enclave.application import ApplicationNotLoaded
from ccfpy.enclave.assembly import build_node
from ccfpy.host.enclave_link import enclave_command
from ccfpy.host.enclave_process import PLATFORM_VARIABLE, enclave_environment
from tests.unit.enclave.hosts_end import HostsEnd

CPU_S_MAX = 2.0
"""Twice what a start may cost, for a busy machine."""

APP = """
from ccfpy.endpoints.registry import Registry

class _App:
    name = "mine"
    body_bytes_max = 1 << 20
    def registry(self):
        return Registry("app", title="t", description="d", version="1")
    def indexes(self):
        return ()
    def jobs(self):
        return ()
    def protocols(self):
        return {}
    def create_claims(self, constitution):
        return None

app = _App()
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated machine that is not the user's."""
    monkeypatch.setenv(PLATFORM_VARIABLE, str(tmp_path / "machine.json"))


@pytest.fixture
def app(tmp_path: Path) -> str:
    path = tmp_path / "mine_for_assembly.py"
    path.write_text(APP)
    return str(path)


def _talk(app: str, *events: StopRequested) -> tuple[list[object], int]:
    with contextlib.closing(HostsEnd()) as ours:
        child = subprocess.Popen(
            enclave_command(app, ours.theirs),
            pass_fds=ours.theirs,
            env=enclave_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        ours.theirs.close()
        if events:
            ours.say(EVENTS.encode(events))
        reader, effects = FrameReader(), []
        while data := ours.hear():
            for body in reader.feed(data):
                effects += EFFECTS.decode(body)
    said, _ = child.communicate(timeout=20)
    assert said == b""
    return list(effects), child.returncode


@pytest.mark.slow
def test_a_node_starts_stops_and_says_nothing_on_its_own(app: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    effects, code = _talk(app, StopRequested(kind=StopKind.TERMINATED, is_notice=False))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert isinstance(effects[-1], Stop)
    assert effects[-1].exit_code == 0
    assert code == 0
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < CPU_S_MAX


@pytest.mark.slow
def test_an_application_that_is_not_there_is_a_stop_with_a_remedy() -> None:
    effects, code = _talk("nowhere.py")
    (stop,) = effects
    assert isinstance(stop, Stop)
    assert "no application 'nowhere.py': give the path" in stop.reason
    assert code == stop.exit_code == 2


@pytest.mark.slow
def test_a_host_that_talks_nonsense_is_left(app: str) -> None:
    with contextlib.closing(HostsEnd()) as ours:
        child = subprocess.Popen(
            enclave_command(app, ours.theirs),
            pass_fds=ours.theirs,
            env=enclave_environment(),
        )
        ours.theirs.close()
        ours.say(b"\x01\x00\x00\x00\xc1")
        bodies = FrameReader().feed(b"".join(iter(ours.hear, b"")))
        isolation, log = [effect for body in bodies for effect in EFFECTS.decode(body)]
        assert isinstance(isolation, WriteLog)
        assert isolation.message.startswith("Isolation")
        assert isinstance(log, WriteLog)
        assert "BoundaryViolation (not a batch of messages" in log.message
        assert child.wait(20) == 1


def test_a_node_is_built_for_the_process_one_is_in(app: str) -> None:
    assert build_node(app).step([]) == []
    with pytest.raises(ApplicationNotLoaded):
        build_node("nowhere.py")
