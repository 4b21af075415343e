import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.cli.compat import APPS, TOOLS, is_ours, node_script, tool_script
from tests.unit.cli.conftest import Command


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to install in; nothing is compiled."""
    monkeypatch.setattr("compileall.compile_dir", lambda *_, **__: True)
    return tmp_path / "ccf"


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_every_program_is_where_ccf_has_it(command: Command, prefix: Path) -> None:
    ended = command("compat", "install", "--prefix", prefix)
    assert ended.code == 0
    assert _files(prefix) == {
        "js_generic",
        "samples/apps/logging/logging",
        "samples/apps/programmability/programmability",
        "samples/apps/nobuiltins/nobuiltins",
        "samples/apps/basic/basic",
        "bin/sandbox.sh",
        "bin/keygenerator.sh",
        "share/VERSION",
    }
    for path in (*APPS, *TOOLS):
        assert os.access(prefix / path, os.X_OK)
    assert not os.access(prefix / "share/VERSION", os.X_OK)


def test_the_programs_of_different_apps_differ(command: Command, prefix: Path) -> None:
    command("compat", "install", "--prefix", prefix)
    assert len({(prefix / path).read_bytes() for path in APPS}) == len(APPS)


def test_installing_again_replaces_what_is_ours(command: Command, prefix: Path) -> None:
    command("compat", "install", "--prefix", prefix)
    program = prefix / "js_generic"
    before = program.read_text()
    program.write_text(before + "# of an older version\n")
    assert command("compat", "install", "--prefix", prefix).code == 0
    assert program.read_text() == before


def test_a_file_of_somebody_else_is_not_touched(command: Command, prefix: Path) -> None:
    theirs = prefix / "bin" / "keygenerator.sh"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("#!/bin/bash\n")
    ended = command("compat", "install", "--prefix", prefix)
    assert ended.code == 1
    assert "was not written by ccfpy" in ended.err
    assert _files(prefix) == {"bin/keygenerator.sh"}
    command("compat", "uninstall", "--prefix", prefix)
    assert theirs.read_text() == "#!/bin/bash\n"


def test_uninstalling_leaves_what_others_wrote(command: Command, prefix: Path) -> None:
    command("compat", "install", "--prefix", prefix)
    (prefix / "samples" / "theirs").touch()
    assert command("compat", "uninstall", "--prefix", prefix).code == 0
    assert _files(prefix) == {"samples/theirs"}
    assert not (prefix / "bin").exists()


@pytest.mark.slow
def test_a_program_needs_nothing_of_its_environment(tmp_path: Path) -> None:
    for name, text in {
        "short": node_script("logging"),
        "tool": tool_script("ccfpy.cli.node", "keygen"),
    }.items():
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o755)
        assert is_ours(path)
        done = subprocess.run(
            [path, "--help"], env={}, capture_output=True, text=True, check=True
        )
        assert done.stdout
        assert done.stderr == ""


def test_a_long_path_of_the_interpreter_goes_by_way_of_the_shell(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("x" * 120) / "with spaces"
    folder.mkdir(parents=True)
    interpreter = folder / "python3"
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    path = tmp_path / "logging"
    path.write_text(node_script("logging", str(interpreter)))
    path.chmod(0o755)
    assert all(len(line) < 500 for line in path.read_text().splitlines())
    assert path.read_text().startswith("#!/bin/sh\n")
    done = subprocess.run(
        [path, "-v"], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("CCF host: ")


@pytest.mark.parametrize("app", sorted(set(APPS.values())))
def test_the_first_line_is_short_enough_for_every_kernel(app: str) -> None:
    first = node_script(app).splitlines()[0]
    assert first.startswith("#!/")
    assert len(first) <= 127
