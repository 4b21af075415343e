"""The messages between a joining node and the primary, as JSON.

The fields are those of ``src/node/rpc/node_call_types.h``. The response to a trusted
node holds everything the service must keep secret: it exists only inside enclaves and
in the TLS session between two of them.

Bounds for what a node says of itself when it asks to join.

On a virtual platform anybody can make evidence, so a stranger writes the record of a
pending node: each field has a bound (`ccfpy.base.limits`), and addresses are addresses.
Evidence that only a platform can make has the bounds of the platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ccfpy.base import json, limits
from ccfpy.base.annotations import U64, Converted, OrAbsent
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import NodeId, Seqno
from ccfpy.base.json import Json
from ccfpy.base.net_address import NetAddress
from ccfpy.base.schema import schema_of
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.ledger.secrets import SECRET_BYTES, LedgerSecret, LedgerSecrets
from ccfpy.service.records import form_of
from ccfpy.service.tables.nodes import NetInterface, QuoteFormat, QuoteInfo, first_form


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNetwork:
    """Where a node listens."""

    node_to_node_interface: NetInterface
    rpc_interfaces: Mapping[str, NetInterface]
    will_locally_seal_ledger_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenSecret:
    raw_key: bytes = field(repr=False)
    previous_secret_stored_version: OrAbsent[U64] = None


_VERSION = schema_of(U64)
_WRITTEN_SECRET = form_of(_WrittenSecret)


def _write_secrets(secrets: LedgerSecrets) -> Json:
    return [
        [
            version,
            _WRITTEN_SECRET.write(
                _WrittenSecret(
                    raw_key=secret.raw,
                    previous_secret_stored_version=secret.previous_stored,
                )
            ),
        ]
        for version, secret in secrets
    ]


def _read_secrets(value: Json) -> LedgerSecrets:
    if not isinstance(value, list) or not value:
        raise Malformed("expected an array of ledger secrets")
    secrets = dict(map(_read_secret, value))
    if len(secrets) != len(value):
        raise Malformed("two ledger secrets of one version")
    return LedgerSecrets(secrets.items())


def _read_secret(value: Json) -> tuple[Seqno, LedgerSecret]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise Malformed("a ledger secret without its version")
    written = _WRITTEN_SECRET.read(value[1])
    if len(written.raw_key) != SECRET_BYTES:
        raise Malformed(f"a ledger secret of {len(written.raw_key)} bytes")
    secret = LedgerSecret(
        raw=written.raw_key, previous_stored=written.previous_secret_stored_version
    )
    return _VERSION.read(value[0]), secret


_NETWORK = form_of(NodeNetwork)


def write_network(network: NodeNetwork) -> Json:
    """Write a node's network in both forms that it has."""
    written = _NETWORK.write(network)
    assert isinstance(written, dict)
    return written | first_form(network.node_to_node_interface, network.rpc_interfaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A node's request to join.

    Attributes:
        startup_seqno: the seqno of the node's snapshot; 0 without one.
        certificate_signing_request: PEM, for the key of its TLS certificate.
    """

    node_info_network: Annotated[NodeNetwork, Converted(_NETWORK.read, write_network)]
    quote_info: QuoteInfo
    public_encryption_key: str
    startup_seqno: OrAbsent[U64]
    certificate_signing_request: str | None = None
    node_data: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedIdentity:
    """The service's certificate and private key, as PEM."""

    cert: str
    priv_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseSignaturesConfig:
    """The claims of the service's COSE signatures."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInfo:
    """What only a trusted node gets.

    Attributes:
        public_only: the service's private state is still sealed.
        last_recovered_signed_idx: where recovery of the public state ended; 0 without.
        endorsed_certificate: the service's certificate for the node's key, as PEM.
    """

    public_only: bool
    last_recovered_signed_idx: U64
    ledger_secrets: Annotated[
        LedgerSecrets, Converted(_read_secrets, _write_secrets)
    ] = field(repr=False)
    identity: SharedIdentity
    service_status: ServiceStatus | None = None
    endorsed_certificate: str | None = None
    cose_signatures_config: CoseSignaturesConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinResponse:
    """How far the service trusts the node that asked."""

    node_status: NodeStatus
    node_id: NodeId | None = None
    network_info: NetworkInfo | None = None


JOIN_REQUEST = form_of(JoinRequest)
JOIN_RESPONSE = form_of(JoinResponse)


def check(request: JoinRequest) -> None:
    """Check every field of a request that the sender chooses.

    Raises:
        LimitExceeded: a field is too large.
        Malformed: a field cannot be written as JSON, or an address is none.
    """
    _check_evidence(request)
    _at_most(
        "node_data",
        0 if request.node_data is None else len(json.dumps(request.node_data)),
        limits.NODE_DATA_BYTES_MAX,
    )
    _at_most(
        "public_encryption_key",
        len(request.public_encryption_key),
        limits.NODE_ENCRYPTION_KEY_CHARS_MAX,
    )
    _at_most(
        "certificate_signing_request",
        len(request.certificate_signing_request or ""),
        limits.NODE_REQUEST_CHARS_MAX,
    )
    network = request.node_info_network
    _at_most("rpc_interfaces", len(network.rpc_interfaces), limits.NODE_INTERFACES_MAX)
    for interface in (
        network.node_to_node_interface,
        *network.rpc_interfaces.values(),
    ):
        _check_addresses(interface)
    _at_most(
        "node_info_network",
        len(json.dumps(write_network(network))),
        limits.NODE_NETWORK_BYTES_MAX,
    )


def _check_evidence(request: JoinRequest) -> None:
    quote = request.quote_info
    is_virtual = quote.format is QuoteFormat.INSECURE_VIRTUAL
    most = (
        limits.VIRTUAL_EVIDENCE_BYTES_MAX if is_virtual else limits.STATEMENT_BYTES_MAX
    )
    _at_most("quote", len(quote.quote), most)
    _at_most("endorsements", len(quote.endorsements), most)
    _at_most("uvm_endorsements", len(quote.uvm_endorsements or b""), most)
    _at_most(
        "endorsed_tcb", len(quote.endorsed_tcb or ""), limits.ENDORSED_TCB_CHARS_MAX
    )


def _check_addresses(interface: NetInterface) -> None:
    for address in (interface.bind_address, interface.published_address):
        _at_most("an address", len(address), limits.NODE_ADDRESS_CHARS_MAX)
        if address:  # CCF lets a node leave one out
            NetAddress.parse(address)


def _at_most(what: str, size: int, most: int) -> None:
    if size > most:
        raise LimitExceeded(f"{what} has {size} of at most {most}")
