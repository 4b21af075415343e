"""What a node serves on each of its interfaces, as it is configured."""

import re
from collections.abc import Callable, Mapping

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.boundary.configuration import (
    HTTP_PROTOCOLS,
    InterfaceAuthority,
    NodeConfiguration,
    RedirectKind,
    RedirectTarget,
    RpcInterface,
)
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.refusals import Http2Limits, ParserLimits
from ccfpy.node.sessions.client import InterfaceSessions


def interfaces_of(
    configuration: NodeConfiguration,
    now_ns: Callable[[], int],
    protocols: Mapping[str, Endpoint],
    *,
    body_bytes_max: int = HTTP_BODY_BYTES_MAX,
) -> dict[str, InterfaceSessions]:
    """Return the rules of each interface.

    Args:
        configuration: of the node.
        now_ns: elapsed time.
        protocols: those of the application, by their names.
        body_bytes_max: how long a body may be where the configuration does not say.

    Raises:
        ConfigurationRefused: an accepted endpoint is not a regular expression, or
            nobody serves the protocol of an interface.
    """
    for interface in configuration.rpc_interfaces:
        _require_served_protocol(interface, protocols)
    return {
        interface.name: _sessions_of(interface, now_ns, protocols, body_bytes_max)
        for interface in configuration.rpc_interfaces
    }


def _sessions_of(
    interface: RpcInterface,
    now_ns: Callable[[], int],
    protocols: Mapping[str, Endpoint],
    body_bytes_max: int,
) -> InterfaceSessions:
    configured = interface.http.body_bytes_max
    limits = ParserLimits(
        body_bytes_max=body_bytes_max if configured is None else configured,
        header_bytes_max=interface.http.header_bytes_max,
        headers_max=interface.http.headers_count_max,
    )
    return InterfaceSessions(
        configuration=interface,
        rules=_rules(interface),
        limits=limits,
        header_cache=HeaderCache(limits),
        http2=_http2_of(interface),
        protocol=protocols.get(interface.app_protocol),
        now_ns=now_ns,
    )


def _require_served_protocol(
    interface: RpcInterface, protocols: Mapping[str, Endpoint]
) -> None:
    """Raise ``ConfigurationRefused`` where clients would not be served as configured.

    Datagrams are echoed whatever protocol is written beside ``udp``, as in CCF.
    """
    served = (*HTTP_PROTOCOLS, *protocols)
    if interface.app_protocol not in served and interface.protocol != "udp":
        raise ConfigurationRefused(
            f"app_protocol of {interface.name}: nobody serves "
            f"{interface.app_protocol!r}; this node serves "
            f"{', '.join(served[:-1])} and {served[-1]}"
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
