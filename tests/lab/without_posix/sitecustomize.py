"""Takes from this Python what Windows lacks, before any other module of ours runs.

A folder of this name is put first in PYTHONPATH, so that processes begin with this
module, and their children too. Libraries are imported before: they bring what they need
for Windows in packages of their own. Files behave as Windows' do where that matters
here: one that is open can be neither renamed nor removed.

The module finds names and calls that Windows lacks. It does not find what Windows does
in another way: paths, signals, the end of a process.
"""

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

LIBRARIES = (
    *("aiohttp", "cbor2", "cryptography.x509", "distributed", "h2.connection"),
    *("httptools", "msgpack", "OpenSSL.SSL", "orjson", "pydantic", "pytest"),
    *("rich.live", "rich.progress", "typer", "wasmtime"),
    *("concurrent.futures.process", "logging.handlers", "platform", "sqlite3"),
    *("tempfile", "uuid"),
)
MODULES = "fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "uvloop"
OF_OS = (
    *("O_CLOEXEC", "O_DIRECT", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_TMPFILE"),
    *("fchmod", "fchown", "chown", "fdatasync", "fork", "getgid", "getuid", "geteuid"),
    *("killpg", "mkfifo", "nice", "pipe2", "posix_spawn", "pread", "pwrite"),
    *("sched_getaffinity", "sched_setaffinity", "setpriority", "setsid", "statvfs"),
    *("sysconf", "wait4"),
)
OF_SIGNAL = (
    *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT"),
    *("SIGSTOP", "SIGUSR1", "SIGUSR2", "pause", "pthread_kill", "pthread_sigmask"),
    *("setitimer", "sigwait"),
)
OF_LOOP = "add_reader", "add_signal_handler", "add_writer"


def take_away() -> None:
    """Take the names away, and let calls refuse as Windows' do."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for owner, names in ((os, OF_OS), (signal, OF_SIGNAL)):
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)
    for name in OF_LOOP:
        setattr(asyncio.SelectorEventLoop, name, _not_implemented)
    for name in ("rename", "replace", "unlink", "remove"):
        setattr(os, name, _of_closed_files(getattr(os, name)))
    started = subprocess.Popen.__init__

    def start(self: object, *args: object, **options: object) -> None:
        if options.get("pass_fds"):
            raise ValueError("pass_fds not supported on Windows.")
        started(self, *args, **options)  # type: ignore[call-overload]

    subprocess.Popen.__init__ = start  # type: ignore[method-assign]
    sysconfig.get_config_vars()  # read once, from a module named after the platform
    sys.platform = "win32"


def _not_implemented(*_: object) -> None:
    raise NotImplementedError


def _of_closed_files(call: Callable[..., None]) -> Callable[..., None]:
    def checked(path: str | Path, *args: object, **options: object) -> None:
        name = os.path.realpath(path)
        for descriptor in Path("/proc/self/fd").iterdir():
            if os.path.realpath(descriptor) == name:
                raise PermissionError(13, "another process is using this file", name)
        call(path, *args, **options)

    return checked


take_away()
