"""What a service and its nodes say of a recovery, asked as anybody may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, NodeId, ProposalId, Seqno
from ccfpy.base.json import Json, JsonObject, loads_object
from ccfpy.client.connection import Connection
from ccfpy.client.governance import read_governance
from ccfpy.client.opening import go_on_from
from ccfpy.client.requests import text_field
from ccfpy.client.review.public_state import read_public_state
from ccfpy.client.survey import object_of, survey
from ccfpy.console.service import Service
from ccfpy.crypto.certs import Certificate
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

STANDING = "/gov/ccfpy/recovery"
GO_ON = "transition_service_to_open"
NODE_TIMEOUT_S = 0.8
OPEN, RECOVERING, WAITING = "Open", "Recovering", "WaitingForRecoveryShares"
READING_PRIVATE = "ReadingPrivateLedger"


class Phase(StrEnum):
    """How far a recovery has come.

    In the first phase the node has no certificate of the new service yet, so that no
    client can ask it.
    """

    NONE = "none"
    PUBLIC = "public"
    COMPARE = "compare"
    VOTE = "vote"
    SHARES = "shares"
    PRIVATE = "private"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whose shares have arrived.

    Attributes:
        holders: who has a share.
        submitted: who has handed one in.
    """

    threshold: int
    holders: Sequence[MemberId]
    submitted: Sequence[MemberId]

    @property
    def missing(self) -> int:
        """How many shares are missing."""
        return max(0, self.threshold - len(self.submitted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A node, as far as its part in a recovery goes."""

    id: NodeId
    address: str
    state: str
    recovered: Seqno | None = None
    target: Seqno | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the lost service, who is one of the new service too."""

    id: MemberId
    status: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The proposal to go on from the lost service.

    Attributes:
        previous: the lost service's certificate as the proposal names it; PEM text.
        next: the new service's.
    """

    id: ProposalId
    info: ProposalInfo
    previous: str
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a service and its nodes say of a recovery.

    Attributes:
        status: the service's.
        previous: the certificate of the service before; none if there was none.
        standing: whose shares there are; none where the service does not say.
    """

    status: str
    nodes: Sequence[Progress]
    previous: Certificate | None = None
    members: Sequence[Member] = ()
    standing: Standing | None = None
    decision: Decision | None = None

    @property
    def phase(self) -> Phase:
        """How far the recovery has come."""
        states = {node.state for node in self.nodes}
        if self.status == RECOVERING:
            return Phase.COMPARE if self.decision is None else Phase.VOTE
        if self.status == WAITING:
            return Phase.PRIVATE if READING_PRIVATE in states else Phase.SHARES
        if self.status == OPEN and self.previous is not None:
            return Phase.PRIVATE if READING_PRIVATE in states else Phase.DONE
        return Phase.NONE


async def read_recovery(service: Service) -> Seen:
    """Ask a service and its nodes.

    Raises:
        CcfpyError: no node answers, or one does not answer in its form.
    """
    found = await survey(
        service.addresses,
        service_certificate=service.certificate,
        timeout_s=NODE_TIMEOUT_S,
    )
    nodes = [
        Progress(
            id=node.id,
            address=", ".join(node.addresses),
            state=node.answer.state,
            recovered=node.answer.recovered,
            target=node.answer.recovery_target,
        )
        for node in found.nodes
        if node.answer is not None
    ]
    async with service.connect() as connection:
        is_deciding = found.status == RECOVERING
        return Seen(
            status=found.status,
            nodes=nodes,
            previous=await _previous(connection),
            members=await _members(connection),
            standing=await _standing(connection),
            decision=await _decision(connection) if is_deciding else None,
        )


async def _previous(connection: Connection) -> Certificate | None:
    reply = await connection.request("GET", "/node/service/previous_identity")
    if reply.is_error:
        return None
    pem = text_field(reply.object(), "previous_service_identity")
    return Certificate.from_pem(pem)


async def _members(connection: Connection) -> list[Member]:
    listed = object_of(await read_governance(connection, "service/members"))
    entries = listed.get("value")
    return [
        Member(
            id=MemberId(text_field(entry, "memberId")),
            status=text_field(entry, "status"),
            role=text_field(entry, "recoveryRole"),
        )
        for entry in map(object_of, entries if isinstance(entries, list) else [])
    ]


async def _standing(connection: Connection) -> Standing | None:
    """Ask whose shares there are; a node of CCF does not say."""
    reply = await connection.request("GET", STANDING)
    if reply.is_error:
        return None
    told = reply.object()
    threshold = told.get("recoveryThreshold")
    return Standing(
        threshold=threshold if isinstance(threshold, int) else 0,
        holders=_ids(told.get("shareholders")),
        submitted=_ids(told.get("submittedMembers")),
    )


def _ids(value: Json) -> list[MemberId]:
    return [MemberId(str(each)) for each in (value if isinstance(value, list) else [])]


async def _decision(connection: Connection) -> Decision | None:
    """Find the open proposal to go on from the lost service, if there is one."""
    tables = (proposals.INFO, proposals.PROPOSALS)
    state = await read_public_state(connection, only=tables)
    tx = state.store.begin(read_only=True)
    bodies = dict(proposals.PROPOSALS.of(tx).items())
    for proposal_id, info in proposals.INFO.of(tx).items():
        if info.state is ProposalState.OPEN:
            args = _go_on(bodies.get(proposal_id, b""))
            if args is not None:
                return Decision(
                    id=proposal_id,
                    info=info,
                    previous=str(args.get("previous_service_identity")),
                    next=str(args.get("next_service_identity")),
                )
    return None


def _go_on(body: bytes) -> JsonObject | None:
    """Return the arguments of the action that goes on from a lost service."""
    try:
        actions = loads_object(body).get("actions")
    except Malformed:
        return None
    for action in map(object_of, actions if isinstance(actions, list) else []):
        if action.get("name") == GO_ON:
            return object_of(action.get("args"))
    return None


async def proposal_to_go_on(connection: Connection) -> Mapping[str, Json]:
    """Return the action by which members choose the lost service.

    Raises:
        Malformed: the service is not recovered from another.
        CcfpyError: it does not answer.
    """
    previous = await _previous(connection)
    if previous is None:
        raise Malformed("this service is not recovered from another")
    return go_on_from(previous.pem, under=connection.service_certificate)


async def has_handed_in(connection: Connection, member_id: MemberId | None) -> bool:
    """Return whether a member's share is there, as far as the service says.

    Raises:
        CcfpyError: the service does not answer.
    """
    standing = await _standing(connection)
    return standing is not None and member_id in standing.submitted
