"""Maps are read as ECMA-426 has them; a lookup is compared with a plain search."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.devtools import source_maps
from ccfpy.devtools.source_maps import (
    Place,
    SourceMap,
    inline_map,
    map_url,
    resolved,
)

Mark = tuple[int, int, int, int, int | None]
"""A column, and from it on: which source, line and column there, which name."""
SOURCES = ["src/a.ts", "src/b.ts"]
NAMES = ["f", "g"]


def _written(lines: list[list[Mark]]) -> str:
    """Write mappings, each number as the difference from the one before."""
    source = line = column = name = 0
    parts = []
    for marks in lines:
        at = 0
        texts = []
        for mark in marks:
            numbers = [mark[0] - at, mark[1] - source, mark[2] - line, mark[3] - column]
            at, source, line, column = mark[:4]
            if mark[4] is not None:
                numbers.append(mark[4] - name)
                name = mark[4]
            texts.append("".join(map(source_maps.encode, numbers)))
        parts.append(",".join(texts))
    return ";".join(parts)


def _map(mappings: str = "", **fields: Any) -> bytes:  # noqa: ANN401 - any JSON
    whole = {
        "version": 3,
        "sources": SOURCES,
        "names": NAMES,
        "mappings": mappings,
        **fields,
    }
    return json.dumps({k: v for k, v in whole.items() if v is not None}).encode()


_SMALL = st.integers(0, 60)
_MARKS = st.lists(
    st.tuples(
        _SMALL,
        st.integers(0, 1),
        _SMALL,
        _SMALL,
        st.none() | st.integers(0, 1),
    ),
    max_size=6,
    unique_by=lambda mark: mark[0],
).map(sorted)


@given(st.lists(_MARKS, max_size=5), st.integers(1, 6), st.integers(1, 70))
def test_the_last_mark_before_a_place_says_where_it_is_from(
    lines: list[list[Mark]], line: int, column: int
) -> None:
    before = [m for m in (lines + [[]] * 7)[line - 1] if m[0] < column]
    expected = None
    if before:
        _, source, at, there, name = before[-1]
        called = None if name is None else NAMES[name]
        expected = Place(SOURCES[source], at + 1, there + 1, called)
    assert SourceMap.parse(_map(_written(lines))).place(line, column) == expected


@given(st.binary(max_size=60) | st.text(max_size=60).map(_map))
def test_whatever_comes_is_a_map_or_refused(data: bytes) -> None:
    try:
        parsed = SourceMap.parse(data)
    except Malformed:
        return
    assert parsed.place(1, 1) is None or isinstance(parsed.place(1, 1), Place)


def test_a_column_may_come_from_nowhere() -> None:
    mapped = SourceMap.parse(_map("AAAA,E,EAAA"))
    assert mapped.place(1, 1) == Place("src/a.ts", 1, 1)
    assert mapped.place(1, 4) is None
    assert mapped.place(1, 5) == Place("src/a.ts", 1, 1)
    assert mapped.place(2, 1) is mapped.place(0, 1) is None


def test_a_source_that_the_tool_does_not_tell_is_none() -> None:
    assert SourceMap.parse(_map("AAAA", sources=[None])).place(1, 1) is None


def test_sources_begin_at_their_root_and_may_be_held() -> None:
    mapped = SourceMap.parse(
        _map("AAAA", sourceRoot="../", sourcesContent=["one", None])
    )
    assert mapped.place(1, 1) == Place("../src/a.ts", 1, 1)
    assert mapped.content("../src/a.ts") == "one"
    assert mapped.content("../src/b.ts") is mapped.content("x") is None
    assert SourceMap.parse(_map()).content("src/a.ts") is None
    assert resolved("../src/a.ts", "/p/dist/app.js") == "/p/src/a.ts"


def test_sections_follow_each_other() -> None:
    def section(line: int, column: int, **fields: Any) -> Any:  # noqa: ANN401
        inner = json.loads(_map(**{"mappings": "AAAA", "names": None, **fields}))
        return {"offset": {"line": line, "column": column}, "map": inner}

    sections = [
        section(0, 0, sources=["a"], sourcesContent=["A", "beyond"]),
        section(0, 5, sources=["b"], mappings="AAAAA;AAAA", names=["n"]),
        section(3, 2, sources=["c"], sourcesContent=["C"]),
    ]
    mapped = SourceMap.parse(json.dumps({"version": 3, "sections": sections}).encode())
    assert mapped.place(1, 5) == Place("a", 1, 1)
    assert mapped.place(1, 6) == Place("b", 1, 1, "n")
    assert mapped.place(2, 1) == Place("b", 1, 1)
    assert mapped.place(3, 1) is mapped.place(4, 2) is None
    assert mapped.place(4, 3) == Place("c", 1, 1)
    assert [mapped.content(name) for name in "abc"] == ["A", None, "C"]


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"mappings": None},
        {"mappings": "AA"},
        {"mappings": "AAA"},
        {"mappings": "AAAAAA"},
        {"mappings": "D"},
        {"mappings": "AEAA"},
        {"mappings": "AADA"},
        {"mappings": "AAAAE"},
        {"mappings": "!"},
        {"sources": "a"},
        {"sources": [1]},
        {"sections": 1},
        {"sections": [1]},
        {"sections": [{"offset": {"line": -1, "column": 0}, "map": {}}]},
        {"sections": [{"offset": {"line": 2**40, "column": 0}, "map": {}}]},
        {"sections": [{"offset": {"line": "0", "column": 0}, "map": {}}]},
        {"sections": [{"offset": {"line": 0, "column": 0}, "map": {"sections": []}}]},
    ],
)
def test_what_is_no_map_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        SourceMap.parse(_map(**fields))


@pytest.mark.parametrize("second", [0, limits.SOURCE_MAP_LINES_MAX + 1])
def test_a_section_has_its_place(second: int) -> None:
    inner = json.loads(_map(";;"))
    sections = [
        {"offset": {"line": line, "column": 0}, "map": inner} for line in (0, second)
    ]
    with pytest.raises(Malformed):
        SourceMap.parse(json.dumps({"version": 3, "sections": sections}).encode())


@pytest.mark.slow
def test_a_maps_size_is_bounded() -> None:
    lines = ";" * (limits.SOURCE_MAP_LINES_MAX - 1)
    assert SourceMap.parse(_map(lines)).place(1, 1) is None
    with pytest.raises(Malformed, match="lines"):
        SourceMap.parse(_map(lines + ";"))
    most = limits.SOURCE_MAP_BYTES_MAX
    assert SourceMap.parse(_map().ljust(most)).place(1, 1) is None
    with pytest.raises(Malformed, match="bytes"):
        SourceMap.parse(_map().ljust(most + 1))


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("x\n//# sourceMappingURL=a.js.map", "a.js.map"),
        ("x\n//@ sourceMappingURL=a.map\n", "a.map"),
        ("//# sourceMappingURL=a\n//# sourceMappingURL=b\n", "b"),
        ("x //# sourceMappingURL=a", None),
        ("//# sourceMappingURL=a b", None),
        ("", None),
    ],
)
def test_a_module_says_where_its_map_is(source: str, url: str | None) -> None:
    assert map_url(source) == url


def test_a_map_may_be_inside_the_module() -> None:
    data = _map()
    coded = base64.b64encode(data).decode()
    for head in ("", ";charset=utf-8"):
        url = f"data:application/json{head};base64,{coded}"
        assert inline_map(url) == data
    assert inline_map("data:application/json," + quote(data)) == data
    assert inline_map("a.js.map") is None
    for wrong in ("data:text/plain,x", "data:application/json;base64,!"):
        with pytest.raises(Malformed):
            inline_map(wrong)


WIDEST = 2**31 - 1


@given(st.lists(st.integers(-WIDEST, WIDEST)))
def test_numbers_are_read_back(numbers: list[int]) -> None:
    assert source_maps.decode("".join(map(source_maps.encode, numbers))) == numbers


@given(st.text(max_size=20))
def test_whatever_else_comes_is_numbers_or_refused(text: str) -> None:
    try:
        numbers = source_maps.decode(text)
    except Malformed:
        return
    assert all(abs(number) <= WIDEST for number in numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("A", [0]),
        ("C", [1]),
        ("D", [-1]),
        ("gB", [16]),
        ("2H", [123]),
        ("AAgBC", [0, 0, 16, 1]),
        ("+/////D", [WIDEST]),
        ("//////D", [-WIDEST]),
        ("gA", [0]),
    ],
)
def test_numbers_as_tools_write_them(text: str, numbers: list[int]) -> None:
    assert source_maps.decode(text) == numbers


@pytest.mark.parametrize("text", ["g", "AAg", "=", "é", "//////E", "ggggggggA"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        source_maps.decode(text)
