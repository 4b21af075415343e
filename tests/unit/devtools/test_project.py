import asyncio
import json
import shlex
import sys
from pathlib import Path

import pytest

from ccfpy.devtools.project import BuildFailed, Project


def _python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def _project(folder: Path, **fields: object) -> Project:
    (folder / "package.json").write_text(json.dumps(fields))
    return Project.of(folder)


def _built(project: Project, *names: str) -> bool:
    return asyncio.run(project.build(*names))


def test_a_folder_without_a_project_needs_no_build(tmp_path: Path) -> None:
    assert not _built(Project.of(tmp_path))
    assert not _built(_project(tmp_path, scripts={"test": "exit 1"}))


def test_the_script_runs_in_the_projects_folder(tmp_path: Path) -> None:
    code = "open('made', 'w').write('x')"
    assert _built(_project(tmp_path, scripts={"build": _python(code)}))
    assert (tmp_path / "made").read_text() == "x"


def test_the_projects_own_tools_come_first(tmp_path: Path) -> None:
    tools = tmp_path / "node_modules" / ".bin"
    tools.mkdir(parents=True)
    (tools / "my-tool").write_text("#!/bin/sh\ntouch made\n")
    (tools / "my-tool").chmod(0o755)
    project = _project(
        tmp_path, scripts={"build": "my-tool"}, devDependencies={"my-tool": "1"}
    )
    assert _built(project)
    assert (tmp_path / "made").exists()


def test_the_first_script_that_there_is_runs(tmp_path: Path) -> None:
    project = _project(tmp_path, scripts={"build": "exit 1", "dev": "exit 0"})
    assert _built(project, "dev", "build")
    assert project.script("watch", "build") == "exit 1"


def test_a_build_that_fails_says_what_it_said(tmp_path: Path) -> None:
    project = _project(tmp_path, scripts={"build": "echo wrong type; exit 3"})
    with pytest.raises(BuildFailed, match="exit 3\nwrong type"):
        _built(project)


def test_packages_that_are_not_installed_are_asked_for(tmp_path: Path) -> None:
    project = _project(tmp_path, scripts={"build": "x"}, dependencies={"a": "1"})
    with pytest.raises(BuildFailed, match="run npm ci in"):
        _built(project)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_package_json_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text)
    with pytest.raises(BuildFailed, match="describes no project"):
        Project.of(tmp_path)


def test_strange_fields_are_read_past(tmp_path: Path) -> None:
    project = _project(tmp_path, scripts={"build": 7}, dependencies=[])
    assert not _built(project)
