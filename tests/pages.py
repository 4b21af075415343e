"""Run what a page of docs says: make its files, and type its commands.

A code block whose language is followed by a path becomes that file. The lines of ``sh``
blocks are typed. Those of ``sh serve`` blocks are typed in a separate terminal, where
they keep running. An ``sh fails`` block must exit with 1. Variables that a block sets,
and the folder that it changes to, are valid in the following blocks.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
PORT: Final = 8000
"""The first port that pages name; their other ports follow it."""
PORTS: Final = 6
READY: Final = ("Press Ctrl-C", "Created service", "is waiting for votes")
PRESS_AGAIN_S: Final = 20
DEADLINE_S: Final = 120
AS_ON_A_TERMINAL: Final = {"COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
"""How wide it is, and that each line is shown when it is printed."""
PATIENT: Final = {"ELECTION_TIMEOUT_MS": "8000"}
"""Nodes that a busy machine does not run for seconds elect nobody in between: a page
says what its reader sees where nothing fails unless the page makes it fail."""
BLOCK: Final = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(
    r"^#{1,2} ([^\n]*)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
_SANDBOX: Final = re.compile(r"^ccfpy sandbox(?!.*--node)", re.MULTILINE)

_EMULATOR: Final = re.compile(r"^ccfpy emulate acl(?!.*--port)", re.MULTILINE)

_VARIES: Final = re.compile(r"\b[0-9a-f]{8,}\b|\d+(?: m?s\b)?")


class Block(NamedTuple):
    """A code block: its language, the rest of its fence's line, and its text."""

    language: str
    note: str
    text: str


def blocks(page: Path, port: int) -> list[Block]:
    """List a page's blocks, with the ports from ``port`` on instead of the page's."""
    return _blocks(page.read_text(), port)


def sections(page: Path, port: int) -> list[tuple[str, list[Block]]]:
    """List a page's blocks below each heading that has some."""
    text = page.read_text()
    found = [(title, _blocks(below, port)) for title, below in _HEADING.findall(text)]
    assert sum(len(each) for _, each in found) == len(_blocks(text, port))
    return [(title, each) for title, each in found if each]


def _blocks(text: str, port: int) -> list[Block]:
    for number in range(PORTS):
        text = text.replace(f":{PORT + number}", f":{port + number}")
    # A sandbox is given a free port where the page relies on the usual one.
    text = _SANDBOX.sub(rf"\g<0> --node local://127.0.0.1:{port}", text)
    text = _EMULATOR.sub(rf"\g<0> --port {port} --identity-port {port + 1}", text)
    return [Block(*found) for found in BLOCK.findall(text)]


class Desk:
    """A folder, and a shell that remembers variables and its folder from block to
    block.

    Commands are those of ``environment``; by default those of the Python that runs,
    and then the machine's.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.folder = folder
        self._deadline_s = deadline_s
        self._given = environment
        self._place = folder
        self._state = folder / ".variables"
        self._state.touch()
        self._left = folder / ".place"

    @property
    def _environment(self) -> Mapping[str, str]:
        if self._given is not None:
            return self._given
        # Node is the machine's, or else that of `make apps`.
        places = [Path(sys.executable).parent, os.environ["PATH"]]
        path = os.pathsep.join(map(str, [*places, ROOT / ".venv-node/bin"]))
        kept = {**os.environ, "PATH": path, **AS_ON_A_TERMINAL, **PATIENT}
        kept.pop("PYTEST_ADDOPTS", None)  # it is for the tests, not for a page's pytest
        return kept

    def type_in(
        self, text: str, *, as_on_a_terminal: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a block; remember the variables it set, and the folder it ended in.

        As on a terminal, what it says of errors is among its output.
        """
        script = f"set -a; . {self._state}; set -eu -o pipefail\n{text}"
        script += f"\nexport -p > {self._state}\npwd > {self._left}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._place,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if as_on_a_terminal else subprocess.PIPE,
            text=True,
            timeout=self._deadline_s,
            check=False,
        )
        if self._left.exists():
            self._place = Path(self._left.read_text().rstrip("\n"))
        return done

    @contextlib.contextmanager
    def serving(self, text: str) -> Iterator[str]:
        """Run a block beside the others until it prints that it is ready; yield what it
        printed."""
        process = subprocess.Popen(
            ["bash", "-euc", text],
            cwd=self._place,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if any(word in line for word in READY):
                    break
            else:
                pytest.fail("it ended: " + "".join(said))
            yield "".join(said)
        finally:
            _press_ctrl_c(process)


def _press_ctrl_c(process: subprocess.Popen[str]) -> None:
    """End the programs in a terminal, as people do: again, if once was not enough.

    Python drops the first interrupt if it arrives while an object is being destroyed.
    """
    for _ in range(DEADLINE_S // PRESS_AGAIN_S):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=PRESS_AGAIN_S)
            return
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("it does not end when it is told to")


def perform(desk: Desk, block: Block, running: contextlib.ExitStack) -> str:
    """Do what a block says, and return what its commands print.

    What keeps running does so until ``running`` is closed.
    """
    if block.note == "serve":
        return running.enter_context(desk.serving(block.text))
    if block.language == "sh":
        done = desk.type_in(block.text, as_on_a_terminal=True)
        wanted = 1 if block.note == "fails" else 0
        assert done.returncode == wanted, f"{block.text}\n{done.stdout}"
        assert "Traceback" not in done.stdout, f"{block.text}\n{done.stdout}"
        return done.stdout
    if block.note:
        path = desk.folder / block.note
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif block.language == "python":
        exec(compile(block.text, "how-to", "exec"), {"__name__": "example"})
    return ""


def alike(told: str, printed: str) -> bool:
    """Return whether a page tells what a command printed, but for what varies."""
    told, printed = (
        "".join(_VARIES.sub("0", text).split()) for text in (told, printed)
    )
    wanted = ".*".join(re.escape(part) for part in told.split("…"))
    return re.fullmatch(wanted, printed, re.DOTALL) is not None
