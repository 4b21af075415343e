"""Do what a newcomer does, from an empty folder, and print how long each part takes.

The newcomer has Python, Node and a wheel of ccfpy, and follows README, the tutorial and
the page on the client in TypeScript. The commands are those of the pages, in an
environment without the checkout and with empty caches of packages. The program ends
with 1 at the first command that does not do what its page says.
"""

import argparse
import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.lab.ports import free_ports
from tests.pages import (
    AS_ON_A_TERMINAL,
    PORTS,
    ROOT,
    Block,
    Desk,
    alike,
    perform,
    sections,
)

TUTORIAL: Final = ROOT / "docs/tutorial"
CLIENT: Final = ROOT / "clients/typescript/README.md"
FROM_INDEX: Final = "'ccfpy[testing]'"
"""What pages install from the index, and the newcomer from a wheel."""
RELOAD_S: Final = 60
ASK_AGAIN_S: Final = 0.2
COMMAND_S: Final = 600
"""The longest that a command may take: an installation downloads."""
FAILURES: Final = (
    AssertionError,
    OSError,
    pytest.fail.Exception,
    subprocess.TimeoutExpired,
)


class Part(NamedTuple):
    """A part of a page, and the seconds that it took."""

    page: str
    title: str
    seconds: float


class Newcomer:
    """Who follows pages at a desk; ``tell`` is called after each part of them."""

    def __init__(self, desk: Desk, port: int, tell: Callable[[Part], None]) -> None:
        self.desk = desk
        self.port = port
        self.place = f"local://127.0.0.1:{port}"
        self._tell = tell

    @contextlib.contextmanager
    def part(self, page: str, title: str) -> Iterator[None]:
        """Measure a part of a page, and tell how long it took."""
        begun = time.monotonic()
        yield
        self._tell(Part(page, title, time.monotonic() - begun))

    def type_in(self, text: str) -> str:
        """Type commands, which must succeed; return what they print."""
        return perform(self.desk, Block("sh", "", text), contextlib.ExitStack())

    def follow(self, page: Path, running: contextlib.ExitStack) -> None:
        """Do what a page says, and compare what is printed with what the page shows."""
        name = page.relative_to(ROOT).as_posix()
        for title, found in sections(page, self.port):
            if all(block.language == "text" for block in found):
                continue
            printed = ""
            with self.part(name, title):
                for block in found:
                    if block.language == "text":
                        assert alike(block.text, printed), f"{block.text}\n{printed}"
                    else:
                        printed = perform(self.desk, block, running)

    def install(self, wheel: Path) -> None:
        """Install ccfpy as the tutorial says, and ask it what the machine lacks."""
        page = TUTORIAL / "README.md"
        (lines,) = (
            block.text
            for _, found in sections(page, self.port)
            for block in found
            if FROM_INDEX in block.text
        )
        environment, activate, install = lines.splitlines()
        with self.part("docs/tutorial/README.md", "Install: " + environment):
            self.type_in(environment)
        with self.part("docs/tutorial/README.md", "Install: " + install):
            # ccfpy-client, which ccfpy needs, lies beside it.
            beside = f"--find-links '{wheel.parent}' '{wheel}[testing]'"
            install = install.replace(FROM_INDEX, beside)
            self.type_in(f"{activate}\n{install}")
        with self.part("README.md", "ccfpy doctor"):
            self.type_in(f"ccfpy --version\nccfpy doctor --node {self.place}")

    def try_it(self) -> None:
        """Start a sandbox, and paste the commands that it prints."""
        begin = f"ccfpy sandbox --node {self.place}"
        with contextlib.ExitStack() as running:
            with self.part("README.md", "ccfpy sandbox, to a verified receipt"):
                said = running.enter_context(self.desk.serving(begin))
            assert "verified offline" in said, said
            lines = [each for each in said.splitlines() if each.startswith("curl ")]
            assert lines, said
            with self.part("README.md", f"the {len(lines)} lines for curl"):
                for line in lines:
                    answer = self.type_in(line.replace("curl ", "curl -sS --fail ", 1))
                    assert answer.strip(), line

    def reload(self) -> None:
        """Change the tutorial's app while ``ccfpy app dev`` serves it."""
        source = self.desk.folder / "guestbook/guestbook.py"
        text = source.read_text()
        changed = text.replace("There is no entry", "Nobody wrote entry")
        assert changed != text
        with self.part("docs/tutorial/1-first-app.md", "ccfpy app dev: a change"):
            source.write_text(changed)
            deadline = time.monotonic() + RELOAD_S
            while "Nobody wrote" not in self._read(77):
                assert time.monotonic() < deadline, "the change is not served"
                time.sleep(ASK_AGAIN_S)

    def _read(self, entry: int) -> str:
        url = f"--url https://127.0.0.1:{self.port}"
        asked = f"ccfpy call /app/entries/{entry} {url} || true"
        return self.desk.type_in(asked, as_on_a_terminal=True).stdout


def run(wheel: Path, folder: Path, tell: Callable[[Part], None]) -> None:
    """Do all that a newcomer does, in an empty folder.

    Raises:
        FAILURES: a command does not do what its page says.
    """
    desk = Desk(folder, surroundings(folder), deadline_s=COMMAND_S)
    newcomer = Newcomer(desk, free_ports(PORTS)[0], tell)
    newcomer.install(wheel)
    newcomer.try_it()
    newcomer.type_in(f"rm -rf workspace\nCCFPY={ROOT}")
    with contextlib.ExitStack() as running:
        for page in sorted(TUTORIAL.glob("[0-9]-*.md")):
            newcomer.follow(page, running)
    begin = f"ccfpy app dev guestbook.py --node {newcomer.place}"
    with contextlib.ExitStack() as running:
        with newcomer.part("docs/tutorial/1-first-app.md", "ccfpy app dev: the start"):
            running.enter_context(desk.serving(begin))
        newcomer.reload()
        newcomer.follow(CLIENT, running)


def surroundings(folder: Path) -> Mapping[str, str]:
    """Return the variables of a machine that has no checkout, and empty caches."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV", "npm_", "MAKE"))
    }
    # Python is the one that made the checkout's environment: the wheel may be for it.
    places = [f"{sys.base_prefix}/bin", *os.environ["PATH"].split(os.pathsep)]
    places = [each for each in places if not each.startswith(f"{ROOT}/.venv/")]
    return kept | {
        # What a newcomer's `. ccfpy-env/bin/activate` does to each later command.
        "PATH": os.pathsep.join([f"{folder}/ccfpy-env/bin", *places]),
        "HOME": str(folder / ".home"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_QUIET": "1",
        **AS_ON_A_TERMINAL,
    }


def find_wheel(folder: Path) -> Path:
    """Return the wheel in a folder that this Python on this machine takes.

    Raises:
        FileNotFoundError: there is none, or it was made of other sources.
    """
    version = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    kinds = (f"ccfpy-*-{version}-*_{platform.machine()}.whl", "ccfpy-*-none-any.whl")
    for wheel in (found for kind in kinds for found in sorted(folder.glob(kind))):
        with zipfile.ZipFile(wheel) as inside:
            for name in inside.namelist():
                # The sample apps lie elsewhere in a checkout.
                source = ROOT / name.replace("ccfpy/share/", "", 1)
                is_source = name.startswith("ccfpy/") and name.endswith(".py")
                if is_source and (
                    not source.exists() or source.read_bytes() != inside.read(name)
                ):
                    said = f"{wheel.name} was made of another {name}: make wheel again"
                    raise FileNotFoundError(said)
        return wheel
    raise FileNotFoundError(f"no wheel for {version} is in {folder}: make wheel")


def table(parts: Sequence[Part]) -> str:
    """Write the parts as a table, with their sum."""
    rows = [f"| {page} | {title} | {seconds:.1f} |" for page, title, seconds in parts]
    total = sum(part.seconds for part in parts)
    lines = ["| page | part | seconds |", "|---|---|---:|", *rows]
    return "\n".join([*lines, f"| | **all** | **{total:.0f}** |"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow the pages; return 1 where they do not tell the truth, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.newcomer", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument(
        "--wheels", type=Path, default=ROOT / "dist", help="where `make wheel` wrote"
    )
    chosen = parser.parse_args(arguments)
    parts: list[Part] = []

    def tell(part: Part) -> None:
        parts.append(part)
        sys.stderr.write(f"{part.seconds:6.1f} s  {part.page}: {part.title}\n")

    with tempfile.TemporaryDirectory(prefix="ccfpy-newcomer-") as folder:
        try:
            wheel = find_wheel(chosen.wheels)
            run(wheel, Path(folder), tell)
        except FAILURES as error:
            sys.stderr.write(f"FAILED after {len(parts)} parts: {error}\n")
            return 1
    where = f"Python {platform.python_version()}, {os.cpu_count()} processors"
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    sys.stdout.write(f"{day}, {where}, {wheel.name}\n\n{table(parts)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
