"""Every how-to works as written: the test makes its files and types its commands.

A code block whose language is followed by a path becomes that file. The test types the
lines of ``sh`` blocks. It types ``sh serve`` blocks in a separate terminal, where they
keep running. An ``sh fails`` block must exit with 1. Variables that a block sets are
valid in the following blocks.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.ports import free_ports
from tests.softhsm import find_module

ROOT = Path(__file__).resolve().parents[2]
NETWORK = [
    ROOT / f"docs/howto/{name}.md"
    for name in (
        "run-a-network",
        "when-a-node-dies",
        "replace-a-node",
        "start-from-snapshots",
        "renew-certificates",
        "rekey-the-ledger",
    )
]
"""Pages that share the network that the first of them starts."""
ELSEWHERE = sorted((ROOT / "docs/howto").glob("deploy-*.md"))
"""Pages that need images and manifests, which tests/deploy has."""
PAGES = sorted(
    page
    for page in (ROOT / "docs/howto").glob("*.md")
    if page.name != "README.md" and page not in (*NETWORK, *ELSEWHERE)
)
PORT = 8000
"""The first of those that pages speak of; the others follow it."""
PORTS = 5
READY = ("Press Ctrl-C", "Created service", "is waiting for votes")
PRESS_AGAIN_S = 20
DEADLINE_S = 120
BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SANDBOX = re.compile(r"^ccfpy sandbox(?!.*--node)", re.MULTILINE)


class Block(NamedTuple):
    """A code block: its language, the rest of its fence's line, and its text."""

    language: str
    note: str
    text: str


def blocks(page: Path, port: int) -> list[Block]:
    text = page.read_text()
    for number in range(PORTS):
        text = text.replace(f":{PORT + number}", f":{port + number}")
    # A sandbox is given a free port where the page relies on the usual one.
    text = _SANDBOX.sub(rf"\g<0> --node local://127.0.0.1:{port}", text)
    return [Block(*found) for found in BLOCK.findall(text)]


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


class Desk:
    """A checkout's folder, and a shell that remembers variables from block to block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / ".variables"
        self._state.touch()
        for name in ("governance", "apps", "docs", "ccfpy"):
            (folder / name).symlink_to(ROOT / name)
        evidence = folder / "tests/vectors/attestation"
        evidence.parent.mkdir(parents=True)
        evidence.symlink_to(ROOT / "tests/vectors/attestation")

    @property
    def _environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "COLUMNS": "100"}

    def type_in(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a block; remember the variables it set."""
        script = f"set -a; . {self._state}; set -eu -o pipefail\n{text}"
        script += f"\nexport -p > {self._state}\n"
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    @contextlib.contextmanager
    def serving(self, text: str) -> Iterator[None]:
        """Run a block beside the others, and continue when it prints that it is
        ready."""
        process = subprocess.Popen(
            ["bash", "-euc", text],
            cwd=self.folder,
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
            yield
        finally:
            _press_ctrl_c(process)


def _do(desk: Desk, block: Block, running: contextlib.ExitStack) -> None:
    if block.note == "serve":
        running.enter_context(desk.serving(block.text))
    elif block.language == "sh":
        done = desk.type_in(block.text)
        wanted = 1 if block.note == "fails" else 0
        assert done.returncode == wanted, f"{block.text}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    elif block.note:
        path = desk.folder / block.note
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif block.language == "python":
        exec(compile(block.text, "how-to", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_how_to_works_as_it_is_written(page: Path, tmp_path: Path) -> None:
    if "softhsm2-util" in page.read_text():
        find_module()
    _read([page], tmp_path)


def test_the_how_tos_of_networks_work_one_after_the_other(tmp_path: Path) -> None:
    _read(NETWORK, tmp_path)


def _read(pages: Sequence[Path], folder: Path) -> None:
    """Run the blocks of pages, in one checkout."""
    port = free_ports(PORTS)[0]
    desk = Desk(folder)
    with contextlib.ExitStack() as running:
        for page in pages:
            for block in blocks(page, port):
                _do(desk, block, running)


def test_there_are_how_tos_and_all_are_in_the_list() -> None:
    listed = (ROOT / "docs/howto/README.md").read_text()
    assert PAGES
    pages = [*PAGES, *NETWORK, *ELSEWHERE]
    assert [page.name for page in pages if f"({page.name})" not in listed] == []
