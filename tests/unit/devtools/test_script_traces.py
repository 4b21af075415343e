import base64
import json
from pathlib import Path

import pytest

from ccfpy.devtools import source_maps
from ccfpy.devtools.script_traces import EXCERPT_CHARACTERS_MAX, Frame, Sources

BUILT = "// made\n  const é = '😀', x = f();\n"
WRITTEN = "\nlet x: number =\n  f();\n"


def _map(source: str = "../../src/a.ts", *, held: bool = True) -> str:
    """Map the second line's ``f`` to the third of the source."""
    column = len(BEFORE_F.encode("utf-16-le")) // 2
    mappings = ";" + "".join(map(source_maps.encode, (column, 0, 2, 2)))
    fields = {
        "version": 3,
        "sources": [source],
        "sourcesContent": [WRITTEN if held else None],
        "names": [],
        "mappings": mappings,
    }
    return json.dumps(fields)


BEFORE_F = "  const é = '😀', x = "
AT_F = f"    at g (a.js:2:{len(BEFORE_F) + 1})"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that was built into ``dist/src``."""
    (tmp_path / "dist/src").mkdir(parents=True)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.ts").write_text(WRITTEN)
    (tmp_path / "dist/src/a.js").write_text(BUILT)
    return tmp_path


def _sources(project: Path, source: str = BUILT) -> Sources:
    return Sources({"a.js": source}, project / "dist/src", project)


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("comment", ["", "//# sourceMappingURL=a.js.map"])
def test_a_map_beside_a_module_is_found(
    project: Path, comment: str, held: bool
) -> None:
    (project / "dist/src/a.js.map").write_text(_map(held=held))
    (frame,) = _sources(project, BUILT + comment).frames(AT_F)
    assert str(frame) == "at g (src/a.ts:3:3)"
    assert frame.excerpt == "f();"
    assert frame.is_own


@pytest.mark.parametrize("held", [True, False])
def test_sources_are_found_from_where_the_map_is(project: Path, held: bool) -> None:
    (project / "dist/a.js.map").write_text(_map("../src/a.ts", held=held))
    built = BUILT + "//# sourceMappingURL=../a.js.map"
    (frame,) = _sources(project, built).frames(AT_F)
    assert (frame.place, frame.excerpt) == ("src/a.ts:3:3", "f();")


def test_sources_begin_where_the_map_lies(project: Path) -> None:
    (project / "dist/a.js.map").write_text(_map("../src/a.ts", held=False))
    sources = _sources(project, BUILT + "//# sourceMappingURL=../a.js.map")
    (frame,) = sources.frames(AT_F)
    assert (str(frame), frame.excerpt) == ("at g (src/a.ts:3:3)", "f();")


def test_a_map_inside_a_module_needs_no_folder() -> None:
    data = base64.b64encode(_map("webpack://x/a.ts").encode()).decode()
    source = f"{BUILT}//# sourceMappingURL=data:application/json;base64,{data}"
    (frame,) = Sources({"a.js": source}, None, Path()).frames(AT_F)
    assert frame == Frame(
        function="g", place="webpack://x/a.ts:3:3", excerpt="f();", is_own=True
    )


def test_a_module_without_a_map_is_shown_as_its_file(project: Path) -> None:
    (frame,) = _sources(project).frames("    at g (/a.js:2)")
    assert str(frame) == "at g (dist/src/a.js:2:1)"
    assert frame.excerpt == "const é = '😀', x = f();"
    assert frame.is_own
    (frame,) = Sources({"a.js": "x"}, None, project).frames("at g (a.js:7:1)")
    assert (frame.place, frame.excerpt) == ("a.js:7:1", "")


@pytest.mark.parametrize("text", ["", "{", '{"version": 3, "mappings": "!"}'])
def test_a_map_that_cannot_be_read_is_as_good_as_none(project: Path, text: str) -> None:
    (project / "dist/src/a.js.map").write_text(text)
    (frame,) = _sources(project).frames(AT_F)
    assert frame.place.startswith("dist/src/a.js:2:")


def test_what_a_tool_added_is_not_the_authors(project: Path) -> None:
    (project / "dist/src/a.js.map").write_text(_map())
    (frame,) = _sources(project).frames("at g (a.js:1:1)")
    assert not frame.is_own
    assert frame.place == "dist/src/a.js:1:1"


def test_the_authors_own_calls_are_told_from_a_librarys(project: Path) -> None:
    library = project / "node_modules/b/b.ts"
    sources = Sources({"a.js": BUILT, "b.js": BUILT}, project / "dist/src", project)
    (project / "dist/src/a.js.map").write_text(_map())
    (project / "dist/src/b.js.map").write_text(_map(library.as_posix()))
    trace = f"{AT_F.replace('a.js', 'b.js')}\n    at map (native)\n{AT_F}"
    frames = sources.frames(trace)
    assert [frame.place for frame in frames] == [
        "node_modules/b/b.ts:3:3",
        "native",
        "src/a.ts:3:3",
    ]
    assert [frame.is_own for frame in frames] == [False, False, True]


def test_a_source_elsewhere_is_told_by_its_whole_path(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "c.ts"
    (project / "dist/src/a.js.map").write_text(_map(other.as_posix(), held=False))
    (frame,) = _sources(project).frames(AT_F)
    assert (frame.place, frame.excerpt) == (f"{other.as_posix()}:3:3", "")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    at <anonymous> (b.js:1:2)", "at <anonymous> (b.js:1:2)"),
        ("    at <input>:1:2", "at <input>:1:2"),
        ("whatever", "whatever"),
        ("    at f (native)", "at f (native)"),
    ],
)
def test_a_place_that_nobody_knows_stays_as_it_is(
    project: Path, line: str, shown: str
) -> None:
    (frame,) = _sources(project).frames(f"{line}\n\n")
    assert str(frame) == shown
    assert not frame.is_own


def test_an_excerpt_is_bounded(project: Path) -> None:
    (frame,) = _sources(project, "x" * 1000).frames("at g (a.js:1:1)")
    assert len(frame.excerpt) == EXCERPT_CHARACTERS_MAX
