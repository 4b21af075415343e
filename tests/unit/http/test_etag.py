"""If-Match and If-None-Match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.http.resources import Matcher


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
    ("header", "tags"),
    [
        ('"xyzzy"', frozenset({"xyzzy"})),
        ('"ABC", "a-b_c.d:1"', frozenset({"ABC", "a-b_c.d:1"})),
        ('"a,b" , "c d"', None),
        ('"a,b" , "c"', frozenset({"a,b", "c"})),
        ('"a\\"', frozenset({"a\\"})),
        ('""', frozenset({""})),
        ('W/"abc"', frozenset({"abc"})),
        ('W/"abc", "def"', frozenset({"abc", "def"})),
        ('"W/", W/""', frozenset({"W/", ""})),
        (',"abc",,\t"def",', frozenset({"abc", "def"})),
        ('"\u00fc"', frozenset({"\u00fc"})),
        ('w/"abc"', None),
        ('W/ "abc"', None),
    ],
)
def test_every_entity_tag_of_the_rfc_is_taken(
    header: str, tags: frozenset[str] | None
) -> None:
    if tags is None:
        with pytest.raises(Malformed, match="Invalid If-Match header"):
            Matcher.parse(header)
    else:
        assert Matcher.parse(header).tags == tags


def test_a_weak_tag_names_a_like_version_and_not_the_same() -> None:
    matcher = Matcher.parse('W/"a", "b", W/"b"')
    assert [matcher.matches(tag) for tag in "abc"] == [True, True, False]
    strongly = [matcher.matches(tag, strongly=True) for tag in "abc"]
    assert strongly == [False, True, False]
    assert Matcher.parse(" * ").matches("a", strongly=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "not etags",
        '"abc", not etags',
        'not etags, "abc"',
        '"abc", "def',
        '"a b"',
        '"a\x00"',
        '"a\x7f"',
        ",",
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
