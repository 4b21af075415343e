"""A protected message is taken apart where its kind says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.node.channels.keys import FORWARDED_HEADER_BYTES, Protected, split

GCM_HEADER = b"g" * 24
CONSENSUS = {0: 57, 1: 25, 3: 36, 4: 21, 5: 16}


def _header(kind: int, size: int) -> bytes:
    return kind.to_bytes(8, "little") + b"h" * (size - 8)


@pytest.mark.parametrize(("kind", "size"), CONSENSUS.items())
def test_a_message_of_consensus_is_its_header_and_its_gcm_header(
    kind: int, size: int
) -> None:
    header = _header(kind, size)
    assert split(PeerTraffic.CONSENSUS, header + GCM_HEADER) == Protected(
        header=header, sealed=GCM_HEADER, entries=b""
    )
    with pytest.raises(Malformed, match=f"of {size + 23} bytes, expected {size + 24}"):
        split(PeerTraffic.CONSENSUS, (header + GCM_HEADER)[:-1])


def test_the_lengths_are_consensus_own() -> None:
    types = (
        AppendEntries,
        AppendEntriesResponse,
        RequestVote,
        RequestVoteResponse,
        ProposeRequestVote,
    )
    assert [t.LAYOUT.size for t in types] == list(CONSENSUS.values())


def test_entries_may_follow_append_entries_and_nothing_else() -> None:
    header = _header(0, 57)
    message = split(PeerTraffic.CONSENSUS, header + GCM_HEADER + b"entries")
    assert (message.sealed, message.entries) == (GCM_HEADER, b"entries")
    for kind, size in list(CONSENSUS.items())[1:]:
        payload = _header(kind, size) + GCM_HEADER + b"!"
        with pytest.raises(Malformed, match="1 unexpected bytes"):
            split(PeerTraffic.CONSENSUS, payload)


@pytest.mark.parametrize(("kind", "size"), FORWARDED_HEADER_BYTES.items())
def test_a_forwarded_message_is_its_header_and_what_is_sealed(
    kind: int, size: int
) -> None:
    header = _header(kind, size)
    payload = header + GCM_HEADER + b"ciphertext"
    assert split(PeerTraffic.FORWARDED, payload) == Protected(
        header=header, sealed=GCM_HEADER + b"ciphertext", entries=b""
    )
    with pytest.raises(Malformed):
        split(PeerTraffic.FORWARDED, payload[: size + 23])


def test_no_kind_has_one_length_in_both_vocabularies() -> None:
    shared = CONSENSUS.keys() & FORWARDED_HEADER_BYTES.keys()
    assert shared
    assert all(CONSENSUS[kind] != FORWARDED_HEADER_BYTES[kind] for kind in shared)


@pytest.mark.parametrize("kind", [PeerTraffic.CONSENSUS, PeerTraffic.FORWARDED])
@pytest.mark.parametrize("payload", [b"", bytes(7), b"\x06" + bytes(99), b"\xff" * 99])
def test_an_unknown_kind_is_refused(kind: PeerTraffic, payload: bytes) -> None:
    with pytest.raises(Malformed, match="not a"):
        split(kind, payload)


@given(
    st.sampled_from([PeerTraffic.CONSENSUS, PeerTraffic.FORWARDED]),
    st.integers(0, 6),
    st.binary(max_size=120),
)
def test_the_parts_make_the_whole_again(
    kind: PeerTraffic, first: int, rest: bytes
) -> None:
    payload = first.to_bytes(8, "little") + rest
    try:
        message = split(kind, payload)
    except Malformed:
        return
    assert message.header + message.sealed + message.entries == payload
