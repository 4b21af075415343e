"""How a node joins a running service: it asks, and asks again, until it is trusted.

The rules (``src/node/node_state.h``):

1. The joiner sends data only to a node that the pinned service certificate vouches for.
   Any other server gets only this node's own certificate, and ends the join.
2. A refusal (4xx) ends the join, and the node stops; anything else is tried again.
3. A backup's redirect is followed with the next request, where that is configured. The
   joiner asks the configured target again after a redirect that led nowhere, or after
   an answer that the vote is still to come. Any node knows when the vote has come,
   while the earlier primary may have left the service and learn nothing more.
4. The parts of the answer must fit together, and belong to the pinned service.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ccfpy.base import json
from ccfpy.base.errors import (
    CcfpyError,
    ConfigurationRefused,
    LimitExceeded,
    Malformed,
    VerificationFailed,
)
from ccfpy.base.ids import CallId, Seqno
from ccfpy.base.net_address import bracketed, unbracketed
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.boundary.configuration import JoinConfiguration
from ccfpy.boundary.events import Boot
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.endpoints.context import CoseClaims
from ccfpy.http.messages import Request, Response
from ccfpy.http.tls import HTTP_1_1, HTTP_2
from ccfpy.http.tls_calls import ClientContext
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.node.boot import identity_of, node_info, running_node
from ccfpy.node.identity import ServiceCredentials, ServiceIdentity
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.outbound import CallFailed, CallFailure
from ccfpy.node.parts import NodeParts
from ccfpy.node.running import RunningNode
from ccfpy.service import join_messages
from ccfpy.service.join_messages import (
    JOIN_REQUEST,
    JOIN_RESPONSE,
    JoinRequest,
    NetworkInfo,
    NodeNetwork,
)

PATH = "/node/join"
_OK = 200
_REDIRECTS = (307, 308)
_CLIENT_ERRORS = range(400, 500)
_FATAL = frozenset({CallFailure.NOT_TRUSTED, CallFailure.NO_TLS})
_NOT_REACHED = frozenset({CallFailure.UNREACHABLE, CallFailure.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The answer to a trusted joiner: credentials and ledger secrets.

    Attributes:
        service_status: the service's status, if the primary sends it.
        is_public_only: whether the service's private state is not recovered yet.
        last_recovered_seqno: the last seqno of the recovered public state; 0 without a
            recovery.
    """

    credentials: ServiceCredentials
    secrets: LedgerSecrets = field(repr=False)
    service_status: ServiceStatus | None
    is_public_only: bool
    last_recovered_seqno: Seqno


def begin(boot: Boot, parts: NodeParts) -> RunningNode:
    """Make a node that knows no service yet.

    Raises:
        ConfigurationRefused: the join section is missing or wrong.
        Malformed: its certificate or record cannot be made as configured.
    """
    section = boot.configuration.join
    if section is None:
        raise ConfigurationRefused("command.join is missing")
    try:
        Certificate.from_pem(section.service_certificate)
    except Malformed as error:
        raise ConfigurationRefused(
            f"the certificate of the service to join: {error}"
        ) from error
    identity = identity_of(boot, parts)
    running = running_node(
        boot, parts, identity=identity, credentials=None, secrets=LedgerSecrets()
    )
    try:
        join_messages.check(request_of(running))
    except (LimitExceeded, Malformed) as error:
        raise ConfigurationRefused(f"what this node says of itself: {error}") from error
    parts.outbox.info(f"Created join node {identity.node_id}")
    return running


@dataclass(eq=False)
class Join:
    """The requests of one node to one service.

    Attributes:
        running: the node, whose state goes from Initialized to Pending.
        section: the node to ask, and how often.
        joined: called once with the keys and secrets of the answer.
        refused: called once with the reason why the node must stop.
    """

    running: RunningNode
    section: JoinConfiguration
    joined: Callable[[Joined], None]
    refused: Callable[[str], None]

    def __post_init__(self) -> None:
        self._target = self.section.target_rpc_address
        self._pinned = Certificate.from_pem(self.section.service_certificate)
        self._call: CallId | None = None
        self._due_ms = 0

    def start(self) -> None:
        """Ask for the first time."""
        running = self.running
        running.ask_to_join()
        self._ask()

    def tick(self, now_ms: int) -> None:
        """Ask again when it is time, unless an answer is still pending."""
        is_over = self.running.state is not NodeState.PENDING
        if is_over or self._call is not None or now_ms < self._due_ms:
            return
        self._ask()

    def _ask(self) -> None:
        running = self.running
        self._due_ms = running.time.monotonic_ms + self.section.retry_timeout_ms
        identity = running.identity
        host = unbracketed(self._target.rpartition(":")[0])
        try:
            self._call = running.parts.calls.request(
                self._target,
                Request(
                    method="POST",
                    path=PATH,
                    headers={"content-type": "application/json"},
                    body=json.dumps(JOIN_REQUEST.write(request_of(running))),
                ),
                trust=ClientContext(
                    trusted_pem=self.section.service_certificate.decode(),
                    host=host,
                    now=running.time.now,
                    # The pinned service decides which nodes to trust, at any address.
                    checks_name=False,
                    certificate_pem=identity.self_signed.pem,
                    key_pem=identity.key.pem,
                ).offer(HTTP_1_1, HTTP_2),
                then=self._answered,
            )
        except CcfpyError as error:
            self._retry_later(str(error))

    def _answered(self, outcome: Response | CallFailed) -> None:
        self._call = None
        if self.running.state is not NodeState.PENDING:
            return
        if isinstance(outcome, CallFailed):
            self._failed(outcome)
        elif outcome.status in _CLIENT_ERRORS:
            self._stop(
                f"Join request to {self._target} returned {outcome.status} Bad "
                f"Request: {_text(outcome.body)}. Shutting down node gracefully."
            )
        elif outcome.status == _OK:
            self._accepted(outcome.body)
        else:
            self._redirected(outcome)

    def _failed(self, failed: CallFailed) -> None:
        if failed.failure in _FATAL:
            self._stop(
                f"Early error when joining existing network at {self._target}: "
                f"{failed.detail}. Shutting down node gracefully..."
            )
            return
        self._retry_later(f"{self._target}: {failed.detail}")
        if failed.failure in _NOT_REACHED:
            self._target = self.section.target_rpc_address

    def _redirected(self, response: Response) -> None:
        location = response.headers.get("location")
        if (
            self.section.follow_redirect
            and response.status in _REDIRECTS
            and location is not None
            and (address := _address(location)) is not None
        ):
            self._target = address
            self.running.outbox.info(f"Target node redirected to {location}")
            return
        self._retry_later(f"{response.status} {_text(response.body)}")

    def _accepted(self, body: bytes) -> None:
        running = self.running
        try:
            response = JOIN_RESPONSE.read(json.loads(body))
            if response.node_status is not NodeStatus.TRUSTED:
                running.outbox.info(
                    f"Node {running.node_id} is waiting for votes of members to be "
                    "trusted"
                )
                self._target = self.section.target_rpc_address
                return
            if response.network_info is None:
                raise Malformed("expected network info in the join response")
            joined = self._read(response.network_info)
        except CcfpyError:
            # The text of the error may quote the answer, so it is not logged.
            running.outbox.fail(
                "An error occurred while parsing the join network response"
            )
            return
        self.joined(joined)

    def _read(self, info: NetworkInfo) -> Joined:
        """Check that the parts of the answer fit together.

        Raises:
            Malformed: a part is missing or malformed.
            VerificationFailed: a part is of another service, or for another node.
        """
        key = KeyPair.from_pem(info.identity.priv_key)
        certificate = Certificate.from_pem(info.identity.cert)
        if not key.public_key == certificate.public_key == self._pinned.public_key:
            raise VerificationFailed("the service's key is not the pinned service's")
        if info.endorsed_certificate is None:
            raise Malformed("expected an endorsed certificate in the join response")
        endorsed = Certificate.from_pem(info.endorsed_certificate)
        endorsed.verify_signed_by(certificate)
        if endorsed.public_key != self.running.identity.key.public_key:
            raise VerificationFailed("the endorsed certificate is for another node")
        claims = info.cose_signatures_config
        return Joined(
            credentials=ServiceCredentials(
                service=ServiceIdentity(key=key, certificate=certificate),
                endorsed=endorsed,
                cose_claims=(
                    CoseClaims(claims.issuer, claims.subject)
                    if claims
                    else CoseClaims("", "")
                ),
            ),
            secrets=info.ledger_secrets,
            service_status=info.service_status,
            is_public_only=info.public_only,
            last_recovered_seqno=info.last_recovered_signed_idx,
        )

    def _retry_later(self, reason: str) -> None:
        self.running.outbox.fail(
            f"An error occurred while joining the network: {reason}"
        )

    def _stop(self, reason: str) -> None:
        self.running.outbox.fail(reason)
        self.refused(reason)


def request_of(running: RunningNode) -> JoinRequest:
    """Return this node's request to join."""
    info = node_info(running)
    return JoinRequest(
        node_info_network=NodeNetwork(
            node_to_node_interface=info.node_to_node_interface,
            rpc_interfaces=info.rpc_interfaces,
            will_locally_seal_ledger_secrets=info.will_locally_seal_ledger_secrets,
        ),
        quote_info=info.quote_info,
        public_encryption_key=info.encryption_pub_key,
        startup_seqno=running.startup_seqno,
        certificate_signing_request=info.certificate_signing_request,
        node_data=info.node_data,
    )


def _address(location: str) -> str | None:
    """Return the address in a redirect, or nothing if it is not HTTPS."""
    try:
        parts = urlsplit(location)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname:
        return None
    return f"{bracketed(parts.hostname)}:{port or 443}"


def _text(body: bytes) -> str:
    return body.decode(errors="replace")
