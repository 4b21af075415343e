"""podman is asked again only if no process has begun, and only so often."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import starting
from tests.deploy.starting import ATTEMPTS_MAX, again, has_not_begun, run_podman

WARNING = 'time="…" level=warning msg="Using cgroups-v1 which is deprecated"\n'
RUNC = "runc: exec failed: unable to start container process: "
RESET = (
    f"{WARNING}Error: OCI runtime error: {RUNC}waiting for init preliminary setup: "
    "read init-p: connection reset by peer\n"
)
NO_SUCH = (
    f'Error: {RUNC}exec: "nosuch": executable file not found in $PATH: OCI runtime '
    "attempted to invoke a command that was not found\n"
)


@pytest.mark.parametrize(
    ("code", "errors", "expected"),
    [
        (125, RESET, True),
        (126, RESET, True),
        (255, RESET, True),
        (1, RESET, False),
        (0, RESET, False),
        (126, f"{RESET}Traceback of a program that began\n", False),
        (127, NO_SUCH, False),
        (125, "Error: no container with name or ID found\n", False),
        (255, "Error: can only create exec sessions on running containers\n", False),
        (255, "", False),
        (1, "the service is not open\n", False),
    ],
)
def test_only_a_process_that_has_not_begun_is_started_again(
    code: int, errors: str, expected: bool
) -> None:
    assert has_not_begun(code, errors.encode()) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("exec NAME true", "exec NAME true"),
        ("run --rm IMAGE", "run --rm IMAGE"),
        ("run -d --name N IMAGE", "run --replace -d --name N IMAGE"),
        ("run --name=N -d IMAGE", "run --replace --name=N -d IMAGE"),
        ("run --replace --name N IMAGE", "run --replace --name N IMAGE"),
    ],
)
def test_another_attempt_takes_the_place_of_a_named_container(
    words: str, expected: str
) -> None:
    assert " ".join(again(words.split())) == expected


def stand_in(folder: Path, *, failures: int, errors: str, code: int) -> Path:
    """Return a program that fails so often, then succeeds, and counts its runs."""
    (folder / "errors").write_text(errors)
    program = folder / "podman"
    program.write_text(
        "#!/bin/sh\n"
        f"cd {folder}; echo run >> runs\n"
        f'[ "$(wc -l < runs)" -gt {failures} ] && {{ echo "did $*"; exit 0; }}\n'
        f"cat errors >&2; exit {code}\n"
    )
    program.chmod(0o755)
    return program


def runs(podman: Path) -> int:
    return len(podman.with_name("runs").read_text().splitlines())


def test_podman_is_asked_until_a_process_begins(tmp_path: Path) -> None:
    podman = stand_in(tmp_path, failures=ATTEMPTS_MAX - 1, errors=RESET, code=126)
    done = run_podman(str(podman), ["exec", "NAME", "true"])
    assert (done.returncode, done.stdout) == (0, b"did exec NAME true\n")
    assert runs(podman) == ATTEMPTS_MAX


def test_podman_is_asked_so_often_and_no_more(tmp_path: Path) -> None:
    podman = stand_in(tmp_path, failures=ATTEMPTS_MAX, errors=RESET, code=126)
    done = run_podman(str(podman), ["exec", "NAME", "true"])
    assert (done.returncode, done.stderr.decode()) == (126, RESET)
    assert runs(podman) == ATTEMPTS_MAX


def test_a_program_that_fails_is_run_once(tmp_path: Path) -> None:
    podman = stand_in(tmp_path, failures=1, errors="no\n", code=255)
    assert run_podman(str(podman), ["exec", "NAME", "false"]).returncode == 255
    assert runs(podman) == 1


def test_as_a_program_it_answers_as_podman_does(tmp_path: Path) -> None:
    podman = stand_in(tmp_path, failures=1, errors=RESET, code=126)
    program = [sys.executable, "-I", starting.__file__, str(podman)]
    done = subprocess.run(
        [*program, "run", "--name", "N"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"did run --replace --name N\n"
