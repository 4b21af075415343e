"""The trusted process of a running node cannot get out, and goes on serving.

A real node runs an application that tries. The tests look at no code of ours: a call
that got through would show, whichever layer should have held it.
"""

import platform
import re
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.base.json import Json
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.errors import Unreachable
from ccfpy.local.node import NodeFailed
from tests.e2e.canary_search import find_in_files
from tests.e2e.isolation_app import ATTEMPTS
from tests.e2e.isolation_calls import FORBIDDEN
from tests.e2e.running import Running, running_node, wait_gone

APP = Path(__file__).with_name("isolation_app.py")
SECRET = secrets.token_hex(16)

EXPECTED = {
    "import a module": "ModuleNotFoundError",
    "a file in memory": "ENOSYS",
    "a higher limit": "ValueError",
}
"""How an attempt fails, where it is not for want of a right."""
REFUSED = "EPERM"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A node with the application, whose host has a secret in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUD_SECRET", SECRET)
        with running_node(tmp_path_factory.mktemp("isolation"), app=str(APP)) as node:
            node.open(["user0"])
            yield node


@pytest.fixture(scope="module")
def user(node: Running) -> Iterator[BlockingConnection]:
    """Somebody who has the application do things."""
    with node.connect("user0") as user:
        yield user


def _ask(user: BlockingConnection, path: str, body: Json = None) -> str:
    reply = user.request("POST", f"/app/{path}", json=body)
    assert reply.status == 200, reply
    return str(reply.json())


def _seen(node: Running, file: str) -> bytes:
    return Path(f"/proc/{node.enclave_pid}/{file}").read_bytes()


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_it_tries_succeeds(user: BlockingConnection, name: str) -> None:
    assert _ask(user, f"attempt?name={name}") == EXPECTED.get(name, REFUSED)


@pytest.mark.parametrize("name", ["read a file", "connect", "fork", "signal the host"])
def test_nor_in_a_thread(user: BlockingConnection, name: str) -> None:
    assert _ask(user, f"attempt/thread?name={name}") == REFUSED


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_call_is_refused_whatever_its_arguments(
    user: BlockingConnection, name: str
) -> None:
    number = getattr(FORBIDDEN[name], platform.machine())
    if number is not None:
        assert _ask(user, "call", {"number": number}) == REFUSED


def test_what_needs_nobody_goes_on_inside(user: BlockingConnection) -> None:
    done = user.get("/app/inside").json()
    assert isinstance(done, dict)
    assert set(done.values()) == {True}, done


def test_the_log_says_what_is_in_force(node: Running) -> None:
    assert re.search(
        r"\[info \].*\| Isolation: no_new_privs, Landlock\(\d+\), no capabilities, "
        r"rlimits, seccomp; memory is (never swapped|not locked, since .+)\n",
        node.node.log.read_text(),
    )


def test_the_system_confirms_it_for_every_thread(node: Running) -> None:
    tasks = list(Path(f"/proc/{node.enclave_pid}/task").iterdir())
    assert len(tasks) > 1, "JavaScript's engine has a thread"
    for task in tasks:
        status = dict(
            line.split(":", 1) for line in (task / "status").read_text().splitlines()
        )
        told = {name: status[name].strip() for name in ("NoNewPrivs", "Seccomp")}
        assert told == {"NoNewPrivs": "1", "Seccomp": "2"}
        for kind in ("CapInh", "CapPrm", "CapEff"):
            assert int(status[kind], 16) == 0
    limits = _seen(node, "limits").decode()
    for limit in ("Max core file size", "Max open files", "Max file size"):
        assert re.search(rf"{limit} +0 +0 ", limits), limit


def test_its_memory_is_locked_if_the_log_says_so(node: Running) -> None:
    locked = re.search(r"VmLck:\s+(\d+) kB", _seen(node, "status").decode())
    assert locked is not None
    says_so = "memory is never swapped" in node.node.log.read_text()
    assert (int(locked[1]) > 0) is says_so


def test_it_holds_two_pipes_the_null_device_and_its_meter(node: Running) -> None:
    folder = Path(f"/proc/{node.enclave_pid}/fd")
    held = {int(path.name): str(path.readlink()) for path in folder.iterdir()}
    assert {held.pop(stream) for stream in range(3)} == {"/dev/null"}
    kinds = sorted(re.sub(r"\d+", "", where) for where in held.values())
    assert kinds == ["/proc//status", "pipe:[]", "pipe:[]"]


def test_what_it_was_started_with_holds_no_secret(node: Running) -> None:
    assert SECRET.encode() not in _seen(node, "cmdline")
    environment = _seen(node, "environ")
    assert environment.strip(b"\0") == b"", "it is wiped once it was used"
    assert str(node.options.workspace).encode() not in _seen(node, "maps")


def test_an_abort_and_a_fault_end_the_node_and_tell_nothing(tmp_path: Path) -> None:
    for name, number in (("abort", signal.SIGABRT), ("fault", signal.SIGSEGV)):
        with running_node(tmp_path / name, app=str(APP)) as node:
            node.open(["user0"])
            with node.connect("user0") as somebody, pytest.raises(Unreachable):
                _ask(somebody, f"{name}?secret={SECRET}")
            wait_gone(node.node.pid)
            assert f"was killed by signal {number}" in node.node.last_words()
    assert find_in_files(tmp_path, {"secret": SECRET.encode()}) == {}
    assert not list(tmp_path.rglob("core*"))


def test_no_module_was_asked_for_that_was_not_there(user: BlockingConnection) -> None:
    _ask(user, "attempt?name=import a module")
    assert user.get("/app/missing").json() == ["wave"]


def test_a_node_does_not_start_whose_app_leaves_a_file_open(tmp_path: Path) -> None:
    held = tmp_path / "library.db"
    app = tmp_path / "leaking.py"
    app.write_text(
        f"held = open({str(held)!r}, 'w')\nfrom apps.hello import app as app\n"
    )
    with (
        pytest.raises(NodeFailed) as failed,
        running_node(tmp_path / "node", app=str(app)),
    ):
        raise AssertionError("it started")
    reason = str(failed.value)
    assert f"is open on {held}: have the application, or its library" in reason
    assert "Traceback" not in reason
