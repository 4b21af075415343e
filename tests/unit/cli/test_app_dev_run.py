"""Which app ``ccfpy app dev`` is given: JavaScript or Python."""

from pathlib import Path

import pytest

from ccfpy.cli.app_dev_run import python_app
from ccfpy.cli.errors import Misused


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
