"""The bounds of a sandbox's options."""

import pytest

from ccfpy.cli.sandbox import ELECTION_TIMEOUT_MS_MIN
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize(
    ("timeout_ms", "words"),
    [
        (ELECTION_TIMEOUT_MS_MIN - 1, "--election-timeout-ms"),
        (ELECTION_TIMEOUT_MS_MIN, "no constitution named 'none'"),
    ],
)
def test_nodes_elect_no_sooner_than_a_primary_says_a_few_words(
    command: Command, timeout_ms: int, words: str
) -> None:
    ended = command(
        *("sandbox", "--election-timeout-ms", timeout_ms, "--constitution", "none")
    )
    assert ended.code != 0
    assert words in ended.err
