"""The configuration of simulated nodes."""

from collections.abc import Sequence

from ccfpy.base import json
from ccfpy.boundary.configuration import (
    CommandType,
    FoundingMember,
    InitialServiceConfiguration,
    InterfaceAuthority,
    LedgerSignaturesConfiguration,
    NodeConfiguration,
    NodeToNodeInterface,
    RecoverConfiguration,
    RpcInterface,
    StartConfiguration,
)
from ccfpy.boundary.events import Boot

START_UNIX_US = 1_750_000_000_000_000
"""When simulated time begins: a day in June 2025."""
HOST = "127.0.0.1"
INTERFACE = "primary_rpc_interface"


def boot_of(
    configuration: NodeConfiguration,
    *,
    now_ms: int = 0,
    executable_digest: str = "00" * 32,
) -> Boot:
    """Return the event by which a node boots now, from a program of this digest."""
    return Boot(
        configuration=configuration,
        executable_digest=executable_digest,
        host_pid=1,
        monotonic_ms=now_ms,
        unix_us=START_UNIX_US + 1000 * now_ms,
    )


def starting(
    *,
    constitution: str,
    members: Sequence[FoundingMember],
    interfaces: Sequence[RpcInterface],
    signature_delay_ms: int = 100,
) -> NodeConfiguration:
    """Describe a node that begins a service of these members."""
    return NodeConfiguration(
        command=CommandType.START,
        node_to_node=NodeToNodeInterface(
            bind_address=f"{HOST}:8001", published_address=f"{HOST}:8001"
        ),
        rpc_interfaces=tuple(interfaces),
        start=StartConfiguration(
            members=tuple(members),
            constitution=constitution.encode(),
            service_configuration=InitialServiceConfiguration(recovery_threshold=1),
        ),
        ledger_signatures=LedgerSignaturesConfiguration(delay_ms=signature_delay_ms),
    )


def recovering(
    *,
    previous_identity: str,
    interfaces: Sequence[RpcInterface],
    signature_delay_ms: int = 100,
) -> NodeConfiguration:
    """Describe a node that recovers the service of this certificate."""
    return NodeConfiguration(
        command=CommandType.RECOVER,
        node_to_node=NodeToNodeInterface(
            bind_address=f"{HOST}:8001", published_address=f"{HOST}:8001"
        ),
        rpc_interfaces=tuple(interfaces),
        recover=RecoverConfiguration(
            previous_service_identity=previous_identity.encode()
        ),
        ledger_signatures=LedgerSignaturesConfiguration(delay_ms=signature_delay_ms),
    )


def listener(
    name: str = INTERFACE,
    *,
    port: int = 8000,
    authority: InterfaceAuthority = InterfaceAuthority.SERVICE,
    sessions_soft_max: int = 1000,
    sessions_hard_max: int = 1010,
    accepted_endpoints: tuple[str, ...] | None = None,
) -> RpcInterface:
    """Describe an interface."""
    address = f"{HOST}:{port}"
    return RpcInterface(
        name=name,
        bind_address=address,
        published_address=address,
        authority=authority,
        sessions_soft_max=sessions_soft_max,
        sessions_hard_max=sessions_hard_max,
        accepted_endpoints=accepted_endpoints,
        declared=json.dumps({"bind_address": address, "published_address": address}),
    )
