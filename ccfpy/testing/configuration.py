"""The configuration of simulated nodes.

Members and users for tests: their keys follow from their names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

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
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member or user: a key, its certificate, and for members a key for shares.

    Attributes:
        name: of this person in tests.
        data: what governance keeps beside the certificate, as JSON text.
    """

    key: KeyPair
    certificate: Certificate
    encryption_key: RsaKeyPair | None = None
    name: str = ""
    data: bytes | None = None

    @property
    def id(self) -> str:
        """The digest that names this person in a service."""
        return self.certificate.digest_hex

    @classmethod
    def make(cls, seed: str, *, can_recover: bool = False) -> "Person":
        """Make the person of this name, always the same."""
        entropy = SeededEntropy(seed.encode())
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = certs.node_self_signed(
            key,
            subject=f"CN={seed}",
            sans=(),
            not_before=datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC),
            validity_days=3650,
            entropy=entropy,
        )
        encryption_key = RsaKeyPair.generate(entropy) if can_recover else None
        return cls(
            key=key, certificate=certificate, encryption_key=encryption_key, name=seed
        )

    def founding(self) -> FoundingMember:
        """Describe this person as a founding member."""
        key = self.encryption_key
        return FoundingMember(
            certificate=self.certificate.pem.encode(),
            encryption_public_key=key.public_key.pem.encode() if key else None,
            data=self.data,
        )
