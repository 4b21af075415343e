"""A refusal is its word, and nothing besides."""

from ccfpy.toolkit.interfaces import Refusal


def test_a_refusal_is_its_word() -> None:
    refused = Refusal("locked")
    assert (refused.word, str(refused)) == ("locked", "locked")
