"""What a request to a confidential ledger names, at the edges of what is taken."""

from collections.abc import Callable

import pytest

from apps.confidential_ledger.asked import parse_collection, parse_tag, parse_tags
from apps.confidential_ledger.limits import (
    COLLECTION_CHARS_MAX,
    TAG_CHARS_MAX,
    TAGS_MAX,
)
from ccfpy.app import ApiError

TAGS = [f"tag{at}" for at in range(TAGS_MAX + 1)]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_collection, "c" * COLLECTION_CHARS_MAX),
        (parse_collection, "with space, and ü"),
        (parse_tag, "t" * TAG_CHARS_MAX),
    ],
)
def test_what_fits_is_taken_as_it_is(parse: Callable[[str], str], text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_collection, "c" * (COLLECTION_CHARS_MAX + 1)),
        (parse_collection, ""),
        (parse_collection, "\0"),
        (parse_collection, "\ud800"),
        (parse_tag, "t" * (TAG_CHARS_MAX + 1)),
        (parse_tag, ""),
        (parse_tags, ""),
        (parse_tags, "a,,b"),
        (parse_tags, ",".join(TAGS)),
    ],
)
def test_what_does_not_fit_is_refused(
    parse: Callable[[str], object], text: str
) -> None:
    with pytest.raises(ApiError) as refused:
        parse(text)
    assert refused.value.status == 400


def test_a_tag_counts_once() -> None:
    assert parse_tags("b,a,b") == ["a", "b"]
    assert parse_tags(",".join(TAGS[:-1])) == TAGS[:-1]
