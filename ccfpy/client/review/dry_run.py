"""What would come of a proposal: the installed constitution run on this machine.

The constitution and the ballots run as a node runs them, with the same limits, on a
copy of the service's public tables. What only the service can do is written down and
not done: to make certificates, to change keys, to open the service.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ccfpy.base.ids import MemberId, Seqno
from ccfpy.client.keyfiles import OsEntropy
from ccfpy.gov import proposals
from ccfpy.gov.evaluation import EvaluationFailed, Evaluator
from ccfpy.gov.proposals import Proposal
from ccfpy.http.errors import ApiError
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import Failure, ProposalState

MADE_BY_SERVICE = "(the service makes this certificate when the proposal is accepted)"


@dataclass(slots=True)
class AbsentNode:
    """Stands for the node: notes what a proposal asks of the node.

    Attributes:
        asked: the requests, in words.
        lines: what scripts logged.
    """

    asked: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    entropy: OsEntropy = field(default_factory=OsEntropy)
    engine: QuickJs = field(default_factory=lambda: QuickJs(_Clock()))

    def log(self, level: str, text: str) -> None:
        """Keep a line."""
        self.lines.append(f"{level}: {text}")

    def transition_service_to_open(
        self, tx: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        """Note that the service is to be opened."""
        del tx, previous_identity, next_identity
        self.asked.append("open the service")

    def trigger_ledger_rekey(self, tx: Tx) -> None:
        """Note it."""
        del tx
        self.asked.append("make a new ledger secret, and new recovery shares")

    def trigger_recovery_shares_refresh(self, tx: Tx) -> None:
        """Note it."""
        del tx
        self.asked.append("issue new recovery shares")

    def trigger_ledger_chunk(self, tx: Tx) -> None:
        """Note it."""
        del tx
        self.asked.append("close the ledger's chunk")

    def trigger_snapshot(self, tx: Tx) -> None:
        """Note it."""
        del tx
        self.asked.append("make a snapshot")

    def latest_ledger_secret_seqno(self, tx: Tx) -> Seqno:
        """Return a number in place of the one that only nodes know."""
        del tx
        return 0

    def generate_endorsed_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        """Return a text in place of the certificate."""
        del request_pem
        self.asked.append(f"certify a node from {valid_from} for {validity_days} days")
        return MADE_BY_SERVICE

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        """Return a text in place of the certificate."""
        self.asked.append(
            f"renew the service's certificate from {valid_from} "
            f"for {validity_days} days"
        )
        return MADE_BY_SERVICE

    def root_at(self, version: Seqno) -> bytes | None:
        """Know no root: nothing is proposed here."""
        raise NotImplementedError

    @property
    def is_reading_private_ledger(self) -> bool:
        """Be in no recovery."""
        return False

    def submit_recovery_share(self, tx: Tx, member_id: str, share: bytes) -> int:
        """Be asked for no share: scripts cannot hand one in."""
        raise NotImplementedError

    def initiate_private_recovery(self, tx: Tx) -> None:
        """Be asked for no recovery: scripts cannot begin one."""
        raise NotImplementedError


class _Clock:
    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would come of a proposal.

    Attributes:
        votes: what each ballot says now.
        failures: ballots that say nothing, and why.
        invalid: why the constitution would refuse the proposal today.
        state: what the constitution makes of the votes.
        more: members whose votes in favour would suffice; nothing if not even all
            votes in favour would.
        fewer: members whose votes against would reject the proposal; nothing if not
            even all votes against would.
        waiting: active members without a ballot, in order.
        writes: what the proposal would change.
        asked: what the proposal would ask of the service, in words.
        failure: why the proposal could not be carried out.
        before: the tables as they are.
    """

    votes: dict[MemberId, bool]
    failures: dict[MemberId, Failure]
    invalid: str | None
    state: ProposalState
    more: tuple[MemberId, ...] | None
    fewer: tuple[MemberId, ...] | None
    waiting: tuple[MemberId, ...]
    writes: WriteSet
    asked: tuple[str, ...]
    failure: str | None
    before: Store


def dry_run(
    store: Store, proposal: Proposal, *, order: Callable[[MemberId], str] = str
) -> Outcome:
    """Run the constitution over an open proposal; nothing is written.

    Args:
        store: the service's public tables.
        proposal: the proposal.
        order: by which members are sorted who might vote for the proposal.

    Raises:
        ApiError: there is no constitution.
    """
    node, now_us = AbsentNode(), time.time_ns() // 1000
    reading = store.begin(read_only=True)
    evaluator = Evaluator.of(node, reading, now_us)
    constitution = proposals.read_constitution(
        reading, otherwise="the service has no constitution"
    )
    invalid = None
    try:
        proposals.validate(evaluator, constitution, proposal.text)
    except ApiError as error:
        invalid = error.message
    votes, failures = proposals.count_ballots(evaluator, proposal, None)

    def state_with(added: Sequence[MemberId], *, vote: bool = True) -> ProposalState:
        counted = {**votes, **dict.fromkeys(added, vote)}
        return proposals.decide(evaluator, constitution, proposal, counted).state

    state = state_with(())
    others = sorted(_active_members(reading) - votes.keys(), key=order)

    def enough(wanted: ProposalState, *, vote: bool) -> tuple[MemberId, ...] | None:
        for count in range(len(others) + 1):
            if state_with(others[:count], vote=vote) is wanted:
                return tuple(others[:count])
        return None

    more = enough(ProposalState.ACCEPTED, vote=True)
    fewer = enough(ProposalState.REJECTED, vote=False)
    writing = store.begin()
    failure = None
    try:
        replace(evaluator, tx=writing).apply(
            constitution, "apply", [proposal.text, str(proposal.proposal_id)]
        )
    except (EvaluationFailed, JsModuleFailed) as error:
        failure = str(error)
    return Outcome(
        votes=votes,
        failures=failures,
        invalid=invalid,
        state=state,
        more=more,
        fewer=fewer,
        waiting=tuple(each for each in others if each not in failures),
        writes={} if failure else writing.writes,
        asked=tuple(node.asked),
        failure=failure,
        before=store,
    )


def _active_members(tx: Tx) -> set[MemberId]:
    infos = members.INFO.of(tx).items()
    return {key for key, info in infos if info.status is MemberStatus.ACTIVE}
