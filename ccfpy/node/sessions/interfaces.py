"""What a node serves on each of its interfaces, as it is configured."""

import re
from collections.abc import Callable

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.configuration import (
    InterfaceAuthority,
    NodeConfiguration,
    RedirectKind,
    RedirectTarget,
    RpcInterface,
)
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.refusals import Http2Limits, ParserLimits
from ccfpy.node.sessions.client import InterfaceSessions


def interfaces_of(
    configuration: NodeConfiguration, now_ns: Callable[[], int]
) -> dict[str, InterfaceSessions]:
    """Return the rules of each interface; ``now_ns`` is elapsed time.

    Raises:
        ConfigurationRefused: an accepted endpoint is not a regular expression, or
            nobody serves the protocol of an interface.
    """
    for interface in configuration.rpc_interfaces:
        _require_served_protocol(interface)
    return {
        interface.name: _sessions_of(interface, now_ns)
        for interface in configuration.rpc_interfaces
    }


def _sessions_of(
    interface: RpcInterface, now_ns: Callable[[], int]
) -> InterfaceSessions:
    limits = ParserLimits(
        body_bytes_max=interface.http.body_bytes_max,
        header_bytes_max=interface.http.header_bytes_max,
        headers_max=interface.http.headers_count_max,
    )
    return InterfaceSessions(
        configuration=interface,
        rules=_rules(interface),
        limits=limits,
        header_cache=HeaderCache(limits),
        http2=_http2_of(interface),
        now_ns=now_ns,
    )


def _require_served_protocol(interface: RpcInterface) -> None:
    """Raise ``ConfigurationRefused`` where clients would not be served as configured.

    Datagrams are echoed whatever protocol is written beside ``udp``, as in CCF.
    """
    served = interface.app_protocol in {"HTTP1", "HTTP2"}
    if not served and interface.protocol != "udp":
        raise ConfigurationRefused(
            f"app_protocol of {interface.name}: nobody serves "
            f"{interface.app_protocol!r}; this node serves HTTP1 and HTTP2"
        )


def _http2_of(interface: RpcInterface) -> Http2Limits | None:
    if interface.app_protocol != "HTTP2":
        return None
    return Http2Limits(
        streams_max=interface.http.concurrent_streams_max,
        window_bytes=interface.http.initial_window_bytes,
        frame_bytes_max=interface.http.frame_bytes_max,
    )


def _rules(interface: RpcInterface) -> InterfaceRules:
    accepted = interface.accepted_endpoints
    redirections = interface.redirections
    try:
        patterns = None if accepted is None else tuple(map(re.compile, accepted))
    except re.error as error:
        raise ConfigurationRefused(
            f"accepted_endpoints of {interface.name}: {error}"
        ) from error
    return InterfaceRules(
        name=interface.name,
        unsecured=interface.authority is InterfaceAuthority.UNSECURED,
        accepted_endpoints=patterns,
        redirect_to_primary=(
            redirections.to_primary or _BY_ROLE if redirections else None
        ),
        redirect_to_backup=(
            redirections.to_backup or _BY_ROLE if redirections else None
        ),
        forwarding_timeout_ms=interface.forwarding_timeout_ms,
    )


_BY_ROLE = RedirectTarget(kind=RedirectKind.NODE_BY_ROLE)
"""The target of an interface that redirects, where none is configured."""
