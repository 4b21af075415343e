"""The kinds of message between nodes keep CCF's numbers."""

from ccfpy.boundary.peers import PeerTraffic


def test_kinds_of_traffic_have_the_numbers_that_ccf_nodes_send() -> None:
    assert {kind.name: int(kind) for kind in PeerTraffic} == {
        "CHANNEL": 0,
        "CONSENSUS": 1,
        "FORWARDED": 2,
    }
