"""An app in TypeScript, from an empty folder to a request run again, by npm's tools."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccfpy.cli.addresses import HOST

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120
NOWHERE = "const text = textOf(request);"
THROWS = f'{NOWHERE}\n  if (text === "boom") throw new Error("boom");'


def environment() -> Mapping[str, str]:
    """Find our commands, and npm: the machine's, or else that of ``make apps``."""
    places = [str(Path(sys.executable).parent)]
    if shutil.which("npm") is None:
        places.append(str(ROOT / ".venv-node/bin"))
    path = os.pathsep.join([*places, os.environ["PATH"]])
    return {**os.environ, "PATH": path}


class Desk:
    """A folder in which commands are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def events(self, *words: str) -> Iterator[Iterator[dict[str, Any]]]:
        """Run a command that tells what happens until it is stopped."""
        process = subprocess.Popen(
            words,
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            yield map(json.loads, process.stdout)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0


def _next(events: Iterator[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(event for event in events if event["event"] == kind)


@pytest.fixture
def project(tmp_path: Path) -> Desk:
    """A project as ``ccfpy app new`` writes it, its packages installed."""
    Desk(tmp_path).run("ccfpy", "app", "new", "notes")
    desk = Desk(tmp_path / "notes")
    desk.run("npm", "ci", "--no-audit", "--no-fund")
    return desk


def test_it_builds_passes_its_tests_and_is_followed(project: Desk) -> None:
    project.run("ccfpy", "app", "bundle")
    project.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")

    source = project.folder / "src/app.ts"
    listen = f"local://{HOST}:0"
    with project.events("ccfpy", "app", "dev", "--json", "--node", listen) as events:
        assert _next(events, "reloaded")["endpoints"] == 3
        _next(events, "started")
        put = ("ccfpy", "call", "/app/notes/1", "-X", "PUT", "--as", "user0", "-d")
        project.run(*put, '{"text": "milk"}')
        written = _next(events, "request")
        assert (written["status"], written["caller"]) == (204, "user0")

        source.write_text(source.read_text().replace(NOWHERE, THROWS))
        reloaded = _next(events, "reloaded")
        assert reloaded["changed"] == ["src/app.ts"]
        assert reloaded["after_s"] > 0
        project.run(*put, '{"text": "boom"}', code=1)
        thrown = _next(events, "request")
        lines = source.read_text().splitlines()
        at = next(n for n, line in enumerate(lines, 1) if "boom" in line)
        assert thrown["thrown"] == "Error: boom"
        assert thrown["trace"][0].startswith(f"at write (src/app.ts:{at}:")

        source.write_text(source.read_text().replace(THROWS, NOWHERE))
        _next(events, "reloaded")
        replay = ("ccfpy", "app", "replay", "--json")
        again = json.loads(project.run(*replay, str(thrown["number"]), code=1))
        assert (again["then"]["status"], again["now"]["status"]) == (500, 204)
        (note,) = again["now"]["writes"]["notes"].values()
        assert note == {"text": "boom"}

        then = json.loads(project.run(*replay, written["transaction"], "--as-deployed"))
        assert then["is_same"]
        assert then["then"] == then["now"]
