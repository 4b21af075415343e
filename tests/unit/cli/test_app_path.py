from pathlib import Path

import pytest

from ccfpy.cli.app_path import named_anywhere, python_app, refuse_python
from ccfpy.cli.errors import Misused


def test_what_is_a_path_is_named_from_the_root_and_a_sample_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "logging").mkdir()
    for path in ("mine.py", "signed.enclave", "package"):
        assert named_anywhere(path) == str(tmp_path / path)
    assert named_anywhere("logging") == "logging"


@pytest.mark.parametrize(
    ("files", "named", "app"),
    [
        (["notes.py"], "notes.py", "notes.py"),
        (["notes.py", "test_notes.py", "pytest.ini"], "", "notes.py"),
        (["__init__.py", "tables.py"], "", ""),
        (["app.json", "src/app.js", "build.py"], "", None),
        (["package.json", "src/app.ts"], "", None),
        (["src/app.js"], "", None),
    ],
)
def test_an_app_in_python_is_told_from_one_in_javascript(
    files: list[str], named: str, app: str | None, tmp_path: Path
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    found = python_app(tmp_path / named)
    assert found == (None if app is None else (tmp_path / app).resolve())


def test_a_folder_of_several_modules_must_be_told_apart(tmp_path: Path) -> None:
    for file in ("a.py", "b.py"):
        (tmp_path / file).touch()
    with pytest.raises(Misused, match=r"has a\.py, b\.py: name the file"):
        python_app(tmp_path)
    with pytest.raises(Misused, match="is no app: give a Python file or a folder"):
        python_app(tmp_path / "nothing")


def test_an_app_in_python_is_no_bundle(tmp_path: Path) -> None:
    app = tmp_path / "notes.py"
    refuse_python(app)  # nothing is there: the bundle's reader says so
    app.touch()
    for named in (app, tmp_path):
        with pytest.raises(Misused, match=r"is an app in Python: .* ccfpy node --app "):
            refuse_python(named)
