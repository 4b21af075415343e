"""Runs podman for tests, again if the container runtime could not start a process.

On a loaded machine runc sometimes fails between its own processes, before the program
in the container begins: ``read init-p: connection reset by peer``. That says nothing
about the program, so a test asks again. A program that began is never run again,
whatever became of it.

As a program, this file takes podman's path and podman's arguments:
``python -I starting.py /usr/bin/podman exec NAME true``. Programs that run podman
themselves, such as podman-compose, find podman so.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence

ATTEMPTS_MAX = 5
"""How often podman is asked to start one process."""

RUNTIME_FAILED = frozenset({125, 126, 255})
"""What podman exits with if the runtime failed. A program may exit with these too."""

_SAYS_RUNTIME_FAILED = b"Error: OCI runtime error: "


def has_not_begun(code: int, errors: bytes) -> bool:
    """Return whether podman says that the runtime could not start a process.

    podman's own words are on the last line: the lines of a program are before them.
    """
    last = errors.rstrip().rpartition(b"\n")[2]
    return code in RUNTIME_FAILED and last.startswith(_SAYS_RUNTIME_FAILED)


def again(words: Sequence[str]) -> list[str]:
    """Return podman's arguments for another attempt.

    ``podman run`` leaves the container that it could not start; the next attempt takes
    the place of a container with a name.
    """
    repeated = list(words)
    named = any(word.partition("=")[0] == "--name" for word in words)
    if words[:1] == ["run"] and named and "--replace" not in words:
        repeated.insert(1, "--replace")
    return repeated


def run_podman(
    podman: str,
    words: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run podman to its end; run it again, in bounds, if no process has begun."""
    attempts = 0
    while True:
        attempts += 1
        done = subprocess.run(
            [podman, *words],
            stdin=subprocess.DEVNULL,
            env=variables,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        begun = not has_not_begun(done.returncode, done.stderr)
        if begun or attempts == ATTEMPTS_MAX:
            return done
        words = again(words)


if __name__ == "__main__":
    ended = run_podman(sys.argv[1], sys.argv[2:])
    sys.stdout.buffer.write(ended.stdout)
    sys.stderr.buffer.write(ended.stderr)
    sys.exit(ended.returncode)
