from datetime import UTC

import pytest

from ccfpy.client.review.values import (
    TEXT_CHARACTERS_MAX,
    shown_short,
    shown_whole,
    with_pem_decoded,
)
from ccfpy.crypto.hashing import sha256
from tests.unit.client.review.made import USER

BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


def test_a_certificate_is_decoded() -> None:
    told = shown_short(USER.pem)
    assert USER.subject in told
    assert f"valid until {USER.not_after.astimezone(UTC):%Y-%m-%d}" in told
    assert told.endswith(f"SHA-256 {USER.digest_hex}")
    assert told in shown_short({"cert": USER.pem})
    assert told in shown_whole(USER.pem.encode())
    assert len(with_pem_decoded(USER.pem * 2).splitlines()) == 2


def test_other_blocks_are_named_by_their_digest() -> None:
    assert (
        shown_short(KEY) == f"public key of 3 bytes, SHA-256 {sha256(bytes(3)).hex()}"
    )
    assert "cannot be read" in shown_short(BROKEN)
    assert "cannot be read" in shown_short(KEY.replace("AAAA", "AAA"))


@pytest.mark.parametrize("extra", [0, 1])
def test_a_long_text_is_counted(extra: int) -> None:
    text = "x" * (TEXT_CHARACTERS_MAX + extra)
    assert (shown_short(text) == text) == (extra == 0)
    if extra:
        assert f"1 lines, {len(text)} characters, SHA-256" in shown_short(text)


def test_long_lists_and_objects_are_cut() -> None:
    numbers = list(range(1000))
    assert shown_short([1, 2]) == "[1, 2]"
    assert shown_short([*numbers]).startswith("a list of 1000: [0, 1,")
    assert shown_short({"a": [*numbers]}).endswith("…")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"b":1,"a":[true]}', '{\n  "a": [\n    true\n  ],\n  "b": 1\n}'),
        (b'"text of a constitution"', "text of a constitution"),
        (b"AllowedToJoin", "AllowedToJoin"),
        (b"\xff", f"1 bytes, SHA-256 {sha256(bytes([255])).hex()}"),
    ],
)
def test_values_of_tables_are_laid_out(value: bytes, shown: str) -> None:
    assert shown_whole(value) == shown
