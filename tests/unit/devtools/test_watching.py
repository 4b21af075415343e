import os
from pathlib import Path

import pytest

from ccfpy.devtools.watching import LogTail, Watch, project_files, python_files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with sources, and what tools make beside them."""
    for name in (
        "app.json",
        "bundle.json",
        "test_app.py",
        ".gitignore",
        "src/a.ts",
        "src/lib/b.ts",
        "src/.cache/c",
        "dist/src/a.js",
        "node_modules/x/x.js",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    return tmp_path


def _names(project: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(project).as_posix() for path in paths]


def test_sources_are_watched_and_what_tools_make_is_not(project: Path) -> None:
    watch = Watch(lambda: project_files(project))
    assert _names(project, watch.changed()) == ["app.json", "src/a.ts", "src/lib/b.ts"]
    assert watch.changed() == []
    (project / "dist/src/a.js").write_text("2")
    (project / "bundle.json").write_text("2")
    assert watch.changed() == []


def test_what_came_went_or_changed_is_told_once(project: Path) -> None:
    watch = Watch(lambda: project_files(project))
    watch.changed()
    (project / "src/a.ts").write_text("other")
    (project / "src/lib/b.ts").unlink()
    (project / "src/c.ts").write_text("new")
    assert _names(project, watch.changed()) == ["src/a.ts", "src/c.ts", "src/lib/b.ts"]
    assert watch.changed() == []


def test_a_file_written_as_it_was_has_not_changed(project: Path) -> None:
    watch = Watch(lambda: project_files(project))
    watch.changed()
    os.utime(project / "src/a.ts", ns=(1, 1))
    assert watch.changed() == []
    (project / "src/a.ts").write_text("2")
    os.utime(project / "src/a.ts", ns=(2, 2))
    assert _names(project, watch.changed()) == ["src/a.ts"]


def test_without_sources_what_was_built_is_watched(project: Path) -> None:
    (project / "src").rename(project / "other")
    watch = Watch(lambda: project_files(project))
    assert _names(project, watch.changed()) == ["app.json", "dist/src/a.js"]


def test_a_file_that_cannot_be_looked_at_is_none(project: Path) -> None:
    (project / "src/gone").symlink_to(project / "nowhere")
    assert "src/gone" not in _names(
        project, Watch(lambda: project_files(project)).changed()
    )


def test_a_python_app_is_watched_with_what_lies_beside_it(tmp_path: Path) -> None:
    for name in ("app.py", "tables.py", "test_app.py", "deep/other.py", "conftest.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    beside = sorted(python_files(tmp_path / "app.py"))
    assert _names(tmp_path, beside) == ["app.py", "tables.py"]
    package = sorted(python_files(tmp_path))
    assert _names(tmp_path, package) == ["app.py", "deep/other.py", "tables.py"]


def test_lines_are_given_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    tail = LogTail(path)
    assert tail.lines() == []
    with path.open("wb") as file:
        for written, lines in (
            (b"one\ntw", ["one"]),
            (b"", []),
            (b"o\nthree\n", ["two", "three"]),
            (b"\xff\n", ["�"]),
        ):
            file.write(written)
            file.flush()
            assert tail.lines() == lines
