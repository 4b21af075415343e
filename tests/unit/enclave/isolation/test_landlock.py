"""Landlock by itself, with no other layer around."""

import errno
import socket
import sys

import pytest

from ccfpy.enclave.isolation import landlock
from tests.unit.enclave.isolation.processes import told


def _version() -> int:
    try:
        return landlock.version()
    except OSError:
        return 0


VERSION = _version() if sys.platform == "linux" else 0

RESTRICT = """
import signal, socket, threading
from ccfpy.enclave.isolation import landlock, privileges
privileges.renounce_new_privileges()
landlock.restrict()
"""
DENIED = "Permission denied"
FORBIDDEN = "Operation not permitted"


def since(version: int) -> pytest.MarkDecorator:
    """Skip a test where the kernel's Landlock is older."""
    reason = f"Landlock {version} is needed, there is {VERSION}"
    return pytest.mark.skipif(version > VERSION, reason=reason)


def test_each_version_denies_all_that_the_one_before_did() -> None:
    for before, after in zip(
        landlock.BY_VERSION, landlock.BY_VERSION[1:], strict=False
    ):
        for less, more in zip(before, after, strict=True):
            assert less & more == less
        assert after != before


@pytest.mark.parametrize(("version", "known"), [(1, 1), (6, 6), (7, 6), (99, 6)])
def test_of_versions_to_come_what_is_known_is_denied(version: int, known: int) -> None:
    assert landlock.denied_by(version) == landlock.BY_VERSION[known - 1]


@since(1)
@pytest.mark.parametrize(
    "attempt",
    [
        "lambda: open('/etc/passwd')",
        "lambda: open('/proc/self/mem', 'rb')",
        "lambda: os.listdir('/')",
        "lambda: os.mkdir('/tmp/ccfpy-landlock')",
        "lambda: os.execv(sys.executable, ['python', '-V'])",
    ],
)
def test_no_file_can_be_reached(attempt: str) -> None:
    assert told(f"{RESTRICT}say(outcome({attempt}))") == [DENIED]


@since(1)
def test_nor_from_a_thread_begun_afterwards() -> None:
    code = "threading.Thread(target=lambda: say(outcome(lambda: open('/etc/passwd'))))"
    assert told(f"{RESTRICT}it = {code}; it.start(); it.join()") == [DENIED]


@since(1)
def test_what_is_open_stays_open() -> None:
    code = "file = open('/proc/self/stat')\n" + RESTRICT + "say(file.read() != '')"
    assert told(code) == ["True"]


@since(4)
def test_no_port_can_be_bound_nor_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
say(outcome(lambda: socket.create_server(("127.0.0.1", 0))))
say(outcome(lambda: socket.create_connection(("127.0.0.1", {port}))))
"""
        assert told(RESTRICT + code) == [DENIED, DENIED]


@since(6)
def test_no_process_outside_can_be_signalled_nor_spoken_to() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0ccfpy-landlock-test")
        server.listen()
        code = r"""
say(outcome(lambda: os.kill(os.getppid(), 0)))
say(outcome(lambda: os.kill(os.getpid(), 0)))
say(outcome(lambda: socket.socket(socket.AF_UNIX).connect("\0ccfpy-landlock-test")))
"""
        assert told(RESTRICT + code) == [FORBIDDEN, "done", FORBIDDEN]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has this")
def test_a_kernel_without_it_says_so() -> None:
    code = """
import errno
from ccfpy.enclave.isolation import landlock, privileges
from tests.unit.enclave.isolation.older_kernel import take_away
privileges.renounce_new_privileges()
take_away("landlock_create_ruleset", errno.ENOSYS)
say(outcome(landlock.restrict))
"""
    assert told(code) == [OSError(errno.ENOSYS, "Function not implemented").strerror]
