"""An application that tries to leave its process, in every way that we know.

It imports everything that it needs for the attempts before the process is closed.
"""

import ctypes
import errno
import importlib
import mmap
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from ccfpy.app import U64, App, Context

app = App("isolation")

HOST = os.getppid()
HERE = Path(__file__)
THERE = Path(tempfile.gettempdir()) / f"ccfpy-isolation-{os.getpid()}"
WORD = -1
"""An argument that is no address, no descriptor and no number of any object."""
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A system call to make, by its number."""

    number: U64


def _make(number: int, *arguments: int) -> int:
    function = _libc.syscall
    function.restype = ctypes.c_long
    result: int = function(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return _checked(result)


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _connect(family: int, address: tuple[str, int] | str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as it:
        it.connect(address)


def _bind() -> None:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))


def _read_memory_of(process: int) -> None:
    """Read the place of this program's own code, in another process."""
    size = 16
    here = ctypes.create_string_buffer(size)
    place = (ctypes.c_void_p * 2)(ctypes.addressof(here), size)
    _checked(
        _libc.process_vm_readv(
            process, ctypes.byref(place), 1, ctypes.byref(place), 1, 0
        )
    )


def _in_a_thread(attempt: Callable[[], object]) -> str:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(_outcome(attempt)))
    thread.start()
    thread.join()
    return said[0]


def _raise_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


ATTEMPTS: dict[str, Callable[[], object]] = {
    "read a file": HERE.read_bytes,
    "write a file": lambda: THERE.write_bytes(b""),
    "list a folder": lambda: list(HERE.parent.iterdir()),
    "look at a file": HERE.stat,
    "remove a file": THERE.unlink,
    "make a folder": THERE.mkdir,
    "rename a file": lambda: THERE.rename(THERE.with_name("other")),
    "link a file": lambda: THERE.symlink_to(HERE),
    "change folders": lambda: os.chdir("/"),
    "open its own memory": lambda: os.open("/proc/self/mem", os.O_RDWR),
    "open the host's memory": lambda: os.open(f"/proc/{HOST}/mem", os.O_RDONLY),
    "open the null device": lambda: os.open(os.devnull, os.O_RDONLY),
    "open a terminal": lambda: os.open("/dev/tty", os.O_RDWR),
    "a socket for TCP": lambda: socket.socket(socket.AF_INET),
    "a socket for UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "a socket for IPv6": lambda: socket.socket(socket.AF_INET6),
    "a socket for Unix": lambda: socket.socket(socket.AF_UNIX),
    "a socket for the kernel": lambda: socket.socket(16, socket.SOCK_RAW),
    "a pair of sockets": socket.socketpair,
    "connect": lambda: _connect(socket.AF_INET, ("127.0.0.1", 9)),
    "connect to an abstract socket": lambda: _connect(socket.AF_UNIX, "\0nobody"),
    "bind": _bind,
    "a pipe": os.pipe,
    "another descriptor": lambda: os.dup(1),
    "become a program": lambda: os.execv(sys.executable, ["python", "-V"]),
    "run a program": lambda: subprocess.run([sys.executable, "-V"], check=False),
    "fork": os.fork,
    "signal the host": lambda: os.kill(HOST, 0),
    "end the host": lambda: os.kill(HOST, signal.SIGKILL),
    "signal everybody": lambda: os.kill(-1, 0),
    "hold the host": lambda: os.pidfd_open(HOST),
    "trace the host": lambda: _checked(_libc.ptrace(16, HOST, None, None)),
    "be traced": lambda: _checked(_libc.ptrace(0, 0, None, None)),
    "read the host's memory": lambda: _read_memory_of(HOST),
    "be dumpable": lambda: _checked(_libc.prctl(4, 1, 0, 0, 0)),
    "survive the host": lambda: _checked(_libc.prctl(1, 0, 0, 0, 0)),
    "another filter": lambda: _checked(_libc.prctl(22, 1, 0, 0, 0)),
    "mount": lambda: _checked(_libc.mount(b"none", b"/mnt", b"tmpfs", 0, None)),
    "another namespace": lambda: _checked(_libc.unshare(0x10000000)),
    "another root": lambda: os.chroot("/"),
    "another user": lambda: os.setuid(0),
    "a file in memory": lambda: os.memfd_create("x"),
    "an event": lambda: os.eventfd(0),
    "a shared segment": lambda: _checked(_libc.shmget(0, 4096, 0o1600)),
    "a higher limit": _raise_limit,
    "import a module": lambda: importlib.import_module("wave"),
}


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except (ImportError, ValueError) as error:
        return type(error).__name__
    return "done"


class _Recorder:
    """Records the modules that ``import`` asked for and did not find."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find nothing, and record the module's name."""
        del path, target
        self.asked.append(name)
        return None


_recorder = _Recorder()
sys.meta_path.insert(0, _recorder)


@app.post("/attempt")
def attempt(ctx: Context, name: str) -> str:
    """Try one of the attempts by its name."""
    del ctx
    return _outcome(ATTEMPTS[name])


@app.post("/attempt/thread")
def attempt_in_a_thread(ctx: Context, name: str) -> str:
    """Try it in a separate thread."""
    del ctx
    return _in_a_thread(ATTEMPTS[name])


@app.post("/call")
def make_call(ctx: Context, body: Call) -> str:
    """Make a system call with arguments that mean nothing."""
    del ctx
    return _outcome(lambda: _make(body.number, *[WORD] * 6))


@app.get("/missing")
def list_missing(ctx: Context) -> list[str]:
    """List the modules that were asked for and not found."""
    del ctx
    return sorted({name for name in _recorder.asked if name not in sys.modules})


@app.get("/inside")
def work_inside(ctx: Context) -> dict[str, bool]:
    """Do everything that any program may do with its own resources."""
    del ctx
    block = mmap.mmap(-1, 1 << 24)
    block[-1:] = b"x"
    return {
        "memory": block[-1:] == b"x",
        "chance": os.urandom(16) != os.urandom(16),
        "time": time.time() > 0 and datetime.now(UTC).tzinfo is UTC,
        "dates": datetime.strptime("2026-01-02", "%Y-%m-%d").day == 2,  # noqa: DTZ007
        "threads": _in_a_thread(lambda: None) == "done",
        "text": b"\xe4".decode("cp1252") == "ä" and "é".encode("idna") != b"",
        "machine": platform.machine() != "",
        "output": sys.stdout.write("nobody reads this\n") > 0,
    }


@app.post("/fault")
def fail_hard(ctx: Context, secret: str) -> str:
    """Break the process, with a secret on the stack."""
    del ctx
    kept = [secret, secret.encode()]
    ctypes.string_at(0)
    return str(kept)


@app.post("/abort")
def abort(ctx: Context) -> None:
    """End the process as a library does that has detected its own corruption."""
    del ctx
    os.abort()
