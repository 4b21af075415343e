"""Bounds that the live streams of a node share."""

import pytest

from ccfpy.base import limits
from ccfpy.endpoints.streams import StreamOwner
from ccfpy.node.streams import CommitFeed, NodeStreams
from tests.unit.endpoints.world import Indexes

ALICE = StreamOwner(("user_cert", "alice"))


@pytest.mark.parametrize("excess", [0, 1])
def test_a_node_has_so_many_streams_and_so_many_bytes(excess: int) -> None:
    streams = NodeStreams(
        CommitFeed(Indexes(), committed=lambda: 0, wake=lambda: None),
        on_turn=lambda _: None,
        on_kept=lambda _, __: None,
        open=limits.STREAMS_MAX - 1 + excess,
        sessions=4,
        unsent_bytes=limits.STREAMS_UNSENT_BYTES_MAX + excess,
    )
    part = limits.STREAMS_UNSENT_BYTES_MAX // 4
    assert streams.has_room is not bool(excess)
    assert streams.holds_too_much(part + 1) is bool(excess)
    assert streams.holds_too_much(part) is False


@pytest.mark.parametrize("excess", [0, 1])
def test_nobody_has_more_than_half_of_the_streams(excess: int) -> None:
    assert limits.STREAMS_PER_CALLER_MAX == limits.STREAMS_MAX // 2
    streams = NodeStreams(
        CommitFeed(Indexes(), committed=lambda: 0, wake=lambda: None),
        on_turn=lambda _: None,
        on_kept=lambda _, __: None,
    )
    for _ in range(limits.STREAMS_PER_CALLER_MAX - 1 + excess):
        streams.opened(ALICE)
    assert streams.has_room_for(ALICE) is not bool(excess)
    assert streams.has_room_for(StreamOwner(place="10.0.0.1")), "others have room"
    streams.closed(ALICE)
    assert streams.has_room_for(ALICE)
