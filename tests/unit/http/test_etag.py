"""If-Match and If-None-Match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.http.etag import Matcher


def test_a_star_means_any_version() -> None:
    matcher = Matcher.parse("*")
    assert matcher.matches("")
    assert matcher.matches("abc")


@pytest.mark.parametrize("header", ['"abc", "def"', '"abc","def"', '"abc""def"'])
def test_a_list_means_the_versions_it_names(header: str) -> None:
    matcher = Matcher.parse(header)
    assert matcher.matches("abc")
    assert matcher.matches("def")
    assert not matcher.matches("abcdef")
    assert not matcher.matches("")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "not etags",
        '"abc", not etags',
        'not etags, "abc"',
        'W/"abc"',
        'W/"abc", "def"',
        '"abc", "def',
        '"abc",, "def"',
        ',"abc"',
        ' "abc"',
        '"ABC"',
        '"xyz"',
        '""',
        "**",
        '*, "abc"',
    ],
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(Malformed, match="Invalid If-Match header"):
        Matcher.parse(header)


@given(st.lists(st.text("0123456789abcdef", min_size=1), min_size=1))
def test_every_listed_tag_matches(tags: list[str]) -> None:
    matcher = Matcher.parse(", ".join(f'"{tag}"' for tag in tags))
    assert all(matcher.matches(tag) for tag in tags)
    assert matcher.tags == frozenset(tags)
