"""Errors are counted by their kind, for an interface's metrics."""

import pytest

from ccfpy.boundary.configuration import RpcInterface
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)
from ccfpy.node.sessions.client import InterfaceSessions, SessionCounts


@pytest.mark.parametrize(
    ("error", "counter"),
    [
        (ParseFailure(b"x", "why"), "parsing"),
        (HeadersTooLarge("why"), "request_header_too_large"),
        (BodyTooLarge(7), "request_payload_too_large"),
    ],
)
def test_an_error_is_counted_by_its_kind(
    error: UnreadableRequest, counter: str
) -> None:
    address = "127.0.0.1:8000"
    interface = InterfaceSessions(
        configuration=RpcInterface(
            name="i", bind_address=address, published_address=address
        ),
        rules=InterfaceRules(name="i"),
        limits=ParserLimits(),
        header_cache=HeaderCache(ParserLimits()),
    )
    interface.count_error(error)
    assert {k: v for k, v in interface.errors.items() if v} == {counter: 1}


def test_open_sessions_and_their_peak_are_counted_by_interface_and_in_all() -> None:
    one, other = (
        InterfaceSessions(
            configuration=RpcInterface(
                name=name, bind_address="127.0.0.1:1", published_address="127.0.0.1:1"
            ),
            rules=InterfaceRules(name=name),
            limits=ParserLimits(),
            header_cache=HeaderCache(ParserLimits()),
        )
        for name in ("one", "other")
    )
    counts = SessionCounts(interfaces={"one": one, "other": other})
    for interface in (one, one, other):
        counts.opened(interface)
    for interface in (one, other):
        counts.closed(interface)
    assert (one.active, one.peak) == (1, 2)
    assert (other.active, other.peak) == (0, 1)
    assert (counts.active, counts.peak) == (1, 3)
