"""The Accept header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.http.errors import ApiError
from ccfpy.http.resources import (
    AcceptField,
    parse_accept,
    preferred_kind,
    require_json,
)
from tests.attacks import attack


def _field(mime: str, q_factor: float = 1.0) -> AcceptField:
    mime_type, _, mime_subtype = mime.partition("/")
    return AcceptField(
        mime_type=mime_type, mime_subtype=mime_subtype, q_factor=q_factor
    )


def test_nothing_said_is_no_field() -> None:
    assert parse_accept("") == []
    assert parse_accept("   ") == []


def test_the_most_wanted_and_most_specific_come_first() -> None:
    fields = parse_accept(
        "image/webp;q=0.8, image/*;q=0.8, text/html, application/xml;q=0.9, "
        "application/xhtml+xml;q=1.0, image/avif, */*;q=0.8"
    )
    assert fields == [
        _field("text/html"),
        _field("image/avif"),
        _field("application/xhtml+xml"),
        _field("application/xml", 0.9),
        _field("image/webp", 0.8),
        _field("image/*", 0.8),
        _field("*/*", 0.8),
    ]


@pytest.mark.parametrize(
    ("quality", "q_factor"),
    [("0.25", 0.25), ("1", 1.0), (".5", 0.5), ("1.", 1.0), ("0.5junk", 0.5)],
)
def test_a_quality_is_a_number_whatever_follows_it(
    quality: str, q_factor: float
) -> None:
    assert parse_accept(f"foo/bar;q={quality}") == [_field("foo/bar", q_factor)]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "not_a_mime_type",
            "Entry in Accept header is not a valid MIME type: not_a_mime_type",
        ),
        (",", "Entry in Accept header is not a valid MIME type: "),
        ("a/", "Entry in Accept header is not a valid MIME type: a/"),
        (
            "valid/mime;q=notnum",
            (
                "Could not parse q-factor from MIME type in Accept header: "
                "valid/mime;q=notnum"
            ),
        ),
        (
            "a/b;q=1e999",
            "Could not parse q-factor from MIME type in Accept header: a/b;q=1e999",
        ),
    ],
)
def test_what_cannot_be_read_is_named(header: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_accept(header)
    assert caught.value.status == 400
    assert caught.value.code == "InvalidHeaderValue"
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("media_range", "matched"),
    [
        ("foo/bar", {"foo/bar"}),
        ("foo/*", {"foo/bar", "foo/baz"}),
        ("*/*", {"foo/bar", "foo/baz", "fob/bar"}),
        ("*/bar", {"foo/bar", "fob/bar"}),
    ],
)
def test_wildcards_widen_a_range(media_range: str, matched: set[str]) -> None:
    field = _field(media_range)
    assert {m for m in ("foo/bar", "foo/baz", "fob/bar") if field.matches(m)} == matched


@pytest.mark.parametrize(
    "header", [None, "*/*", "application/json", "text/html, application/*;q=0.1"]
)
def test_whoever_takes_json_gets_it(header: str | None) -> None:
    require_json(header)


def test_whoever_does_not_take_json_is_told() -> None:
    with pytest.raises(ApiError) as caught:
        require_json("text/html")
    assert caught.value.status == 406
    assert caught.value.code == "UnsupportedContentType"
    assert caught.value.message == (
        "No supported content type in accept header: text/html\n"
        "Only application/json is currently supported"
    )


@pytest.mark.slow
@given(st.text(st.characters(codec="latin-1")))
def test_random_text_raises_only_what_is_documented(header: str) -> None:
    try:
        fields = parse_accept(header)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017 - either outcome is right
    else:
        assert fields == sorted(fields, key=lambda f: -f.q_factor)


_TEXT, _JSON, _PNG = "text/plain", "application/json", "image/png"


@pytest.mark.parametrize(
    ("header", "kinds", "chosen"),
    [
        (None, (_TEXT, _JSON), _TEXT),
        ("", (_TEXT, _JSON), _TEXT),
        ("*/*", (_TEXT, _JSON), _TEXT),
        ("application/json", (_TEXT, _JSON), _JSON),
        ("text/plain;q=0.5, application/*", (_TEXT, _JSON), _JSON),
        ("text/plain;q=0.5, application/*;q=0.5", (_TEXT, _JSON), _TEXT),
        ("*/*;q=0.1, text/plain;q=0", (_TEXT, _JSON), _JSON),
        ("*/*, application/*;q=0.2, application/json;q=0.9", (_JSON, _TEXT), _TEXT),
        ("image/*", (_TEXT, _JSON), None),
        ("image/*;q=0", (_PNG,), None),
        ("image/*;q=-1", (_PNG,), None),
        (None, (), None),
        ("*/*", (), None),
    ],
)
def test_the_kind_that_is_wanted_most_is_chosen(
    header: str | None, kinds: tuple[str, ...], chosen: str | None
) -> None:
    assert preferred_kind(header, kinds) == chosen


def test_a_header_that_is_none_is_refused_whatever_there_is() -> None:
    with pytest.raises(ApiError, match="not a valid MIME type"):
        preferred_kind("nonsense", (_TEXT,))


_RANGES = st.lists(
    st.tuples(
        st.sampled_from([_TEXT, _JSON, _PNG, "text/*", "image/*", "*/*"]),
        st.integers(0, 10),
    ),
    min_size=1,
)


@given(_RANGES, st.permutations([_TEXT, _JSON, _PNG]))
def test_what_is_chosen_was_wanted_and_nothing_better_was_there(
    ranges: list[tuple[str, int]], kinds: list[str]
) -> None:
    header = ", ".join(f"{mime};q={tenths / 10}" for mime, tenths in ranges)
    alone = {kind: preferred_kind(header, [kind]) for kind in kinds}
    chosen = preferred_kind(header, kinds)
    if chosen is None:
        assert not any(alone.values())
        assert not [tenths for mime, tenths in ranges if mime == "*/*" and tenths]
    else:
        assert alone[chosen] == chosen


@attack("http: a header that asks for thousands of kinds")
@pytest.mark.parametrize(("entries", "is_read"), [(100, True), (101, False)])
def test_a_header_has_only_so_many_entries(entries: int, *, is_read: bool) -> None:
    header = ", ".join(["a/b;q=0.5"] * entries)
    if is_read:
        assert len(parse_accept(header)) == entries
        assert preferred_kind(header, ["a/b"]) == "a/b"
        return
    for read in (parse_accept, require_json, lambda text: preferred_kind(text, [])):
        with pytest.raises(ApiError, match="more than 100 entries") as refused:
            read(header)
        assert refused.value.status == 400


@attack("http: a header that asks for thousands of kinds")
def test_a_header_of_the_greatest_size_is_not_put_in_order() -> None:
    with pytest.raises(ApiError, match="more than 100 entries"):
        parse_accept("x" + "," * limits.HTTP_HEADER_BYTES_MAX)
