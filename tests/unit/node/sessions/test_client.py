"""What an interface serves, which frontend answers, and what is known of a client."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.boundary.configuration import (
    HttpConfiguration,
    Redirections,
    RedirectKind,
    RedirectTarget,
    RpcInterface,
)
from ccfpy.boundary.effects import Stop
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)
from ccfpy.node.sessions.client import InterfaceSessions, SessionCounts, interfaces_of
from ccfpy.testing.node import InProcessNode, listener
from tests.unit.node.line_app import LINES, app


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


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/app/notes?name=x", 200, b"null"),
        ("/notes?name=x", 200, b"null"),
        ("/node/state", 200, b"PartOfNetwork"),
        ("/gov/commit", 200, b"transaction_id"),
        ("/", 404, b"Unknown path: /."),
        ("/app", 404, b"Unknown path: /app."),
        ("/app/", 404, b"Unknown path: /."),
        ("/node/nonsense", 404, b"Unknown path: /nonsense."),
        ("/node", 404, b"Unknown path: /node."),
        ("/nodes/state", 404, b"Unknown path: /nodes/state."),
        ("//node/state", 404, b"Unknown path: //node/state."),
    ],
)
def test_a_path_goes_to_the_frontend_it_names_and_else_to_the_app(
    node: InProcessNode, path: str, status: int, text: bytes
) -> None:
    answer = node.request("GET", path)
    assert answer.status == status
    assert text in answer.body


@pytest.mark.parametrize("repeats", [1, 3])
def test_only_paths_of_endpoints_are_kept(node: InProcessNode, repeats: int) -> None:
    routes = node.trusted._parts.router._routes
    for number in range(repeats):
        assert node.request("GET", "/node/state").status == 200
        assert node.request("GET", f"/node/none{number}").status == 404
        assert node.request("GET", f"/none{number}").status == 404
    assert routes["/node/state"].path == "/state"
    assert not [path for path in routes if "none" in path]


def test_interfaces_get_their_rules(new_node: InProcessNode) -> None:
    elsewhere = RedirectTarget(kind=RedirectKind.STATIC_ADDRESS, address="host:1")
    redirecting = replace(
        listener(accepted_endpoints=("/node/.*",)),
        redirections=Redirections(to_primary=elsewhere),
    )
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(redirecting,))
    (interface,) = interfaces_of(configuration, lambda: 0, {}).values()
    rules = interface.rules
    assert rules.accepts("/node/state")
    assert not rules.accepts("/app/state")
    assert rules.redirect_to_primary is not None
    assert rules.redirect_to_primary.kind is RedirectKind.STATIC_ADDRESS
    assert rules.redirect_to_primary.address == "host:1"
    assert rules.redirect_to_backup is not None
    assert rules.redirect_to_backup.kind is RedirectKind.NODE_BY_ROLE
    assert rules.redirect_to_backup.role is None


def test_an_interface_may_wait_longer_for_what_it_forwards(
    new_node: InProcessNode,
) -> None:
    patient = replace(listener(), forwarding_timeout_ms=9000)
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(patient,))
    (interface,) = interfaces_of(configuration, lambda: 0, {}).values()
    assert interface.rules.forwarding_timeout_ms == 9000


@pytest.mark.parametrize("role", [None, "backup"])
def test_a_redirect_by_role_is_taken_as_configured(
    new_node: InProcessNode, role: str | None
) -> None:
    by_role = RedirectTarget(kind=RedirectKind.NODE_BY_ROLE, role=role, interface="two")
    redirecting = replace(listener(), redirections=Redirections(to_primary=by_role))
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(redirecting,))
    (interface,) = interfaces_of(configuration, lambda: 0, {}).values()
    target = interface.rules.redirect_to_primary
    assert target is not None
    assert target.kind is RedirectKind.NODE_BY_ROLE
    assert target.role == role
    assert target.interface == "two"


def test_an_accepted_endpoint_must_be_a_regular_expression(
    new_node: InProcessNode,
) -> None:
    broken = listener(accepted_endpoints=("(",))
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(broken,))
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert "accepted_endpoints of primary_rpc_interface" in effects[-1].reason


def test_a_protocol_that_nobody_serves_is_refused_at_the_start(
    new_node: InProcessNode,
) -> None:
    custom = replace(listener(), app_protocol="MYPROTOCOL")
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(custom,))
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason.endswith(
        "app_protocol of primary_rpc_interface: nobody serves 'MYPROTOCOL'; "
        "this node serves HTTP1 and HTTP2"
    )


def test_a_protocol_that_the_application_has_is_served_and_no_other(
    new_node: InProcessNode,
) -> None:
    configuration = new_node.boot.configuration
    served, other = (
        replace(configuration, rpc_interfaces=(replace(listener(), app_protocol=name),))
        for name in (LINES, "OTHER")
    )
    (interface,) = interfaces_of(served, lambda: 0, app.protocols()).values()
    assert interface.protocol is app.protocols()[LINES]
    assert interface.http2 is None
    with pytest.raises(ConfigurationRefused, match=r"HTTP1, HTTP2, LINES and WATCH$"):
        interfaces_of(other, lambda: 0, app.protocols())


@pytest.mark.parametrize(
    ("protocol", "app_protocol"), [("tcp", "HTTP1"), ("tcp", "HTTP2"), ("udp", "QUIC")]
)
def test_protocols_that_are_served_or_echoed_are_taken(
    new_node: InProcessNode, protocol: str, app_protocol: str
) -> None:
    served = replace(listener(), protocol=protocol, app_protocol=app_protocol)
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(served,))
    assert set(interfaces_of(configuration, lambda: 0, {})) == {served.name}


@pytest.mark.parametrize(
    ("configured", "said", "expected"),
    [
        (None, 5 << 20, 5 << 20),
        (2 << 20, 5 << 20, 2 << 20),
        (9 << 20, 5 << 20, 9 << 20),
    ],
)
def test_a_body_may_be_as_long_as_the_app_says_unless_an_operator_does(
    new_node: InProcessNode, configured: int | None, said: int, expected: int
) -> None:
    bounded = replace(listener(), http=HttpConfiguration(body_bytes_max=configured))
    configuration = replace(new_node.boot.configuration, rpc_interfaces=(bounded,))
    (interface,) = interfaces_of(
        configuration, lambda: 0, {}, body_bytes_max=said
    ).values()
    assert interface.limits.body_bytes_max == expected
    (silent,) = interfaces_of(
        replace(configuration, rpc_interfaces=(listener(),)), lambda: 0, {}
    ).values()
    assert silent.limits.body_bytes_max == HTTP_BODY_BYTES_MAX
