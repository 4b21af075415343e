"""Attacks on handshakes are bounded in number."""

from tests.lab.attacks.tls import (
    ATTACKS,
    CHAIN_CONNECTIONS,
    HANDSHAKES,
    HANDSHAKES_AT_ONCE,
)


def test_attacks_on_handshakes_are_bounded() -> None:
    assert CHAIN_CONNECTIONS == 12
    assert HANDSHAKES // 4 % HANDSHAKES_AT_ONCE <= HANDSHAKES_AT_ONCE
    assert HANDSHAKES <= 1000
    assert [attack.name for attack in ATTACKS] == ["chains", "handshakes"]
