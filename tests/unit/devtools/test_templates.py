import json
from pathlib import Path

import pytest

from ccfpy.client.bundle import read_bundle
from ccfpy.devtools import templates
from ccfpy.devtools.checks import check
from ccfpy.devtools.templates import NoTemplate


@pytest.mark.parametrize("template", templates.names())
def test_a_project_bears_its_name_and_no_blanks(template: str) -> None:
    files = templates.files(template, "my-app.two")
    assert any("my-app.two" in file.text for file in files)
    assert not [file.path for file in files if "{{" in file.text + str(file.path)]
    paths = {file.path.as_posix() for file in files}
    assert paths >= {"README.md", ".gitignore", "pytest.ini", "test_app.py"}


def test_a_python_app_is_a_module() -> None:
    files = {file.path.name: file.text for file in templates.files("python", "a-b.c")}
    compile(files["a_b_c.py"], "a_b_c.py", "exec")
    assert "ccf_app = a_b_c.py" in files["pytest.ini"]


def test_the_javascript_app_has_no_fault(tmp_path: Path) -> None:
    for path, text in templates.files("js", "x"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    findings = check(read_bundle(tmp_path))
    assert (findings.faults, findings.remarks) == ([], [])


def test_packages_are_pinned_by_hash_wherever_they_come_from() -> None:
    files = {file.path.name: file.text for file in templates.files("ts", "x")}
    packages = json.loads(files["package-lock.json"])["packages"]
    assert [name for name, entry in packages.items() if not name] == [""]
    assert all("integrity" in entry for name, entry in packages.items() if name)
    wanted = json.loads(files["package.json"])
    named = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {f"node_modules/{name}" for name in named} <= packages.keys()


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a b", "a--b", "a/b", "../a", "a.", "-a", "a" * 101]
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(NoTemplate, match="no name for a project"):
        templates.files("js", name)


def test_a_template_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoTemplate, match="choose js, python, ts"):
        templates.files("rust", "a")
