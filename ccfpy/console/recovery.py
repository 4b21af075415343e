"""A service that is being recovered: how far it is, and who must do what next.

The order of the steps is that of ``docs/howto/recover-a-service.md``: a node recovers
the public state, members compare the old and the new identity, they vote to go on under
the new one, they hand in shares, and the nodes read the private state and open.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId, Seqno
from ccfpy.client.review.values import short
from ccfpy.console.ledger_answers import (
    RecoveringNode,
    RecoveryMember,
    RecoveryStep,
    RecoveryView,
)
from ccfpy.console.recovery_reading import (
    OPEN,
    READING_PRIVATE,
    Member,
    Phase,
    Progress,
    Seen,
)
from ccfpy.console.service import Service
from ccfpy.crypto.certs import Certificate

SAMPLES_MAX = 10
"""Of a node's progress, one a second: a rate over more would hide that it stopped."""
SECONDS_SHOWN_MAX = 120
MINUTES_SHOWN_MAX = 120
ACTIVE = "Active"
OWNER = "Owner"
STATES = {
    "ReadingPublicLedger": "reads the lost service's public state",
    READING_PRIVATE: "reads the lost service's private state",
    "PartOfPublicNetwork": "has the public state",
    "PartOfNetwork": "has everything",
    "Pending": "waits until members trust it",
}
"""A node's state, in words."""


STEPS: Mapping[Phase, tuple[str, str]] = {
    Phase.PUBLIC: (
        "A node recovers the public state",
        "The operator starts it with ccfpy recover. It checks every signature again.",
    ),
    Phase.COMPARE: (
        "Members compare the identities",
        "Each has the old digest from before, and asks the operator for the new one.",
    ),
    Phase.VOTE: (
        "Members vote to go on",
        "The proposal names both: nobody can bring back another service by mistake.",
    ),
    Phase.SHARES: (
        "Members hand in shares",
        "Together they open the lost service's ledger secret; fewer open nothing.",
    ),
    Phase.PRIVATE: (
        "The nodes read the private state",
        "The service then opens by itself.",
    ),
}
"""What happens in each phase: its name, and a sentence."""

HEADLINES: Mapping[Phase, str] = {
    Phase.COMPARE: "recovering: members compare the identities, then one proposes",
    Phase.PRIVATE: "recovering: the nodes read the private state",
    Phase.DONE: "the service is open again: it was brought back from a lost one",
}
"""Of phases whose headline says nothing of numbers."""
OPERATOR: Mapping[Phase, str] = {
    Phase.COMPARE: "Read the digest of the new certificate to every member, by another "
    "way than this service, and ask one of them to propose.",
    Phase.PRIVATE: "Keep the nodes running. Nothing more is asked of anybody.",
    Phase.DONE: "Give users the new certificate: the service has another identity than "
    "before.",
    Phase.NONE: "",
}
"""An operator's next step, where it is the same for every service."""
MEMBER: Mapping[Phase, str] = {
    Phase.COMPARE: "compare both digests, then propose, or wait for a proposal",
    Phase.PRIVATE: "wait",
    Phase.DONE: "nothing",
    Phase.NONE: "nothing",
}
"""A member's next step, where it is the same for every member."""

UNREAD = (
    "A node that recovers a lost service answers once it has read the public ledger; "
    "until then, its log says how far it is."
)


@dataclass(slots=True)
class Pace:
    """How fast each node reads, from what it said in the last seconds."""

    _samples: dict[NodeId, deque[tuple[float, Seqno]]] = field(default_factory=dict)

    def take(self, node: Progress, now_s: float) -> None:
        """Note how far a node has come."""
        if node.recovered is None:
            self._samples.pop(node.id, None)
            return
        of_node = self._samples.setdefault(node.id, deque(maxlen=SAMPLES_MAX))
        of_node.append((now_s, node.recovered))

    def per_s(self, node: Progress) -> int | None:
        """Return how many transactions a node reads in a second, if that is known."""
        samples = self._samples.get(node.id)
        if samples is None or len(samples) < 2:  # noqa: PLR2004 - a rate needs two
            return None
        (began, first), (ended, last) = samples[0], samples[-1]
        return round((last - first) / (ended - began)) if ended > began else None


def unread_recovery(reason: str, *, service: Service, now: datetime) -> RecoveryView:
    """Describe a service of which nothing is known."""
    return RecoveryView(
        headline="no node answers",
        is_recovering=False,
        trouble=reason,
        status="",
        old_identity=None,
        new_identity=service.digest,
        nodes=(),
        steps=(),
        operator=UNREAD,
        you="",
        members=(),
        threshold=None,
        spare=None,
        submitted=None,
        proposal=None,
        is_as_proposed=None,
        may_propose=False,
        awaits_shares=False,
        may_hand_in=False,
        why_not="",
        seen_at=_milliseconds(now),
    )


def view_of(
    seen: Seen,
    *,
    service: Service,
    pace: Pace,
    now: datetime,
) -> RecoveryView:
    """Describe a recovery for everybody who takes part in it.

    Args:
        seen: what the service says.
        service: the service, and who looks at it.
        pace: how fast nodes read.
        now: the time.
    """
    told = _Telling(seen, dict(service.names()), service)
    phase, standing = seen.phase, seen.standing
    members = sorted(map(told.member, seen.members), key=lambda each: each.name)
    why_not = told.why_no_share()
    is_waiting = phase is Phase.SHARES
    return RecoveryView(
        headline=told.headline(),
        is_recovering=phase not in (Phase.NONE, Phase.DONE),
        trouble="",
        status=seen.status,
        old_identity=None if seen.previous is None else seen.previous.digest_hex,
        new_identity=service.digest,
        nodes=tuple(_node(node, pace) for node in seen.nodes),
        steps=_steps(phase),
        operator=told.operator(),
        you=told.yours(),
        members=tuple(members),
        threshold=None if standing is None else standing.threshold,
        spare=told.spare(),
        submitted=None if standing is None else len(standing.submitted),
        proposal=None if seen.decision is None else seen.decision.id,
        is_as_proposed=told.is_as_proposed(),
        may_propose=phase is Phase.COMPARE and service.pen is not None,
        awaits_shares=is_waiting,
        may_hand_in=is_waiting and not why_not,
        why_not=why_not if is_waiting else "",
        seen_at=_milliseconds(now),
    )


def _steps(phase: Phase) -> tuple[RecoveryStep, ...]:
    if phase is Phase.NONE:
        return ()
    order = [*STEPS, Phase.DONE]
    at = order.index(phase)
    return tuple(
        RecoveryStep(
            name=name,
            text=text,
            standing="done" if each < at else "now" if each == at else "later",
        )
        for each, (name, text) in enumerate(STEPS.values())
    )


def _node(node: Progress, pace: Pace) -> RecoveringNode:
    text = STATES.get(node.state, node.state)
    if node.recovered is not None and node.target is not None:
        text += f": {node.recovered:,} of {node.target:,}"
        per_s = pace.per_s(node)
        if per_s:
            left_s = -(-(node.target - node.recovered) // per_s)
            text += f", {per_s:,} a second, about {_duration(left_s)} left"
    return RecoveringNode(
        id=node.id,
        address=node.address,
        text=text,
        recovered=node.recovered,
        target=node.target,
    )


def _duration(seconds: int) -> str:
    """Return a time in words; nobody plans by the second of an hour."""
    minutes = round(seconds / 60)
    if seconds < SECONDS_SHOWN_MAX:
        return f"{seconds} s"
    if minutes < MINUTES_SHOWN_MAX:
        return f"{minutes} min"
    return f"{round(minutes / 60)} h"


def _milliseconds(now: datetime) -> int:
    return round(now.timestamp() * 1000)


class _Telling:
    """The sentences of one view."""

    def __init__(self, seen: Seen, names: Mapping[str, str], service: Service) -> None:
        self._seen, self._names, self._service = seen, names, service
        self._phase = seen.phase

    def _name(self, member_id: str) -> str:
        return self._names.get(member_id, short(member_id))

    def headline(self) -> str:
        """Return the answer to everybody's first question."""
        if self._phase is Phase.VOTE:
            return f"recovering: {self._votes()}"
        if self._phase is Phase.SHARES:
            return f"recovering: {self._shares()}"
        return HEADLINES.get(self._phase) or self._resting()

    def _resting(self) -> str:
        status, standing = self._seen.status, self._seen.standing
        if status != OPEN:
            return f"the service is {status}: nothing is being recovered"
        if standing is None or not standing.holders:
            return "the service is open: nothing is being recovered"
        return (
            "the service is open. If it were lost, "
            f"{_counted(standing.threshold, 'share')} would bring it back"
        )

    def _votes(self) -> str:
        decision = self._seen.decision
        assert decision is not None, "voted on"
        active = sum(1 for each in self._seen.members if each.status == ACTIVE)
        have = "has" if len(decision.info.ballots) == 1 else "have"
        return (
            f"{len(decision.info.ballots)} of {_counted(active, 'member')} {have} "
            "voted to go on"
        )

    def _shares(self) -> str:
        standing = self._seen.standing
        if standing is None:
            return "the service waits for shares, and does not say whose it has"
        have = "is" if len(standing.submitted) == 1 else "are"
        lack = "is" if standing.missing == 1 else "are"
        return (
            f"{len(standing.submitted)} of {_counted(standing.threshold, 'share')} "
            f"{have} there, {standing.missing} {lack} missing"
        )

    def spare(self) -> int | None:
        """Return how many shares may be lost, where every holder has one share."""
        standing = self._seen.standing
        if standing is None or not standing.holders:
            return None
        owners = {each.id for each in self._seen.members if each.role == OWNER}
        if not owners.isdisjoint(standing.holders):
            return None
        return len(standing.holders) - standing.threshold

    def operator(self) -> str:
        """Return an operator's next step."""
        if self._phase is Phase.VOTE:
            return f"Ask those to vote who have not: {self._lacking_votes()}."
        if self._phase is Phase.SHARES:
            return self._ask_for_shares()
        return OPERATOR[self._phase]

    def _lacking_votes(self) -> str:
        decision = self._seen.decision
        assert decision is not None, "voted on"
        return self._listed(
            each.id
            for each in self._seen.members
            if each.id not in decision.info.ballots
        )

    def _ask_for_shares(self) -> str:
        standing = self._seen.standing
        if standing is None:
            return (
                "Ask every member for a share: this service does not say whose it has."
            )
        lacking = self._listed(
            each for each in standing.holders if each not in standing.submitted
        )
        return f"Ask for {_counted(standing.missing, 'more share')}, of {lacking}."

    def _listed(self, ids: Iterable[str]) -> str:
        return ", ".join(sorted(map(self._name, ids))) or "nobody"

    def member(self, member: Member) -> RecoveryMember:
        """Describe a member."""
        standing, decision = self._seen.standing, self._seen.decision
        has_share = standing is not None and member.id in standing.holders
        held = "no share"
        if has_share:
            held = "the whole key" if member.role == OWNER else "a share"
        return RecoveryMember(
            id=member.id,
            name=self._name(member.id),
            status=member.status,
            holds="not known" if standing is None else held,
            has_voted=decision is not None and member.id in decision.info.ballots,
            has_handed_in=standing is not None and member.id in standing.submitted,
            next=self.next_of(member),
        )

    def next_of(self, member: Member) -> str:
        """Return a member's next step."""
        if member.status != ACTIVE and self._phase is not Phase.NONE:
            return "acknowledge first, with ccfpy gov ack"
        if self._phase is Phase.VOTE:
            decision = self._seen.decision
            assert decision is not None, "voted on"
            if member.id in decision.info.ballots:
                return "wait for other votes"
            return "compare both digests, then vote"
        if self._phase is Phase.SHARES:
            return self._next_share(member)
        return MEMBER[self._phase]

    def _next_share(self, member: Member) -> str:
        standing = self._seen.standing
        if standing is None:
            return "hand in a share, if the member has one"
        if member.id in standing.submitted:
            return "wait for other shares"
        if member.id in standing.holders:
            return "hand in the share"
        return "nothing: the member has no share"

    def _me(self) -> Member | None:
        mine = self._service.signer_id
        return next((each for each in self._seen.members if each.id == mine), None)

    def yours(self) -> str:
        """Return the next step of the member who looks; nothing for others."""
        is_over = self._phase in (Phase.NONE, Phase.DONE)
        if self._service.signer_id is None or is_over:
            return ""
        me = self._me()
        if me is None:
            return "Your key is no member's of this service."
        said = self.next_of(me)
        return f"{said[0].upper()}{said[1:]}."

    def why_no_share(self) -> str:
        """Return why the member who looks cannot hand in a share here."""
        standing, pen = self._seen.standing, self._service.pen
        if pen is None:
            return "This console has no key of a member: start it with --as MEMBER."
        me = self._me()
        if me is None:
            return "Your key is no member's of this service."
        if standing is not None and me.id in standing.submitted:
            return "Your share is there."
        if standing is not None and me.id not in standing.holders:
            return "You have no share."
        if pen.opener is None:
            return "The key that opens your share is not here: see --decrypt-key."
        return ""

    def is_as_proposed(self) -> bool | None:
        """Return whether the proposal names the identities that are shown."""
        decision, previous = self._seen.decision, self._seen.previous
        if decision is None or previous is None:
            return None
        wanted = (previous.digest_hex, self._service.digest)
        try:
            named = [
                Certificate.from_pem(pem).digest_hex
                for pem in (decision.previous, decision.next)
            ]
        except CcfpyError:
            return False
        return tuple(named) == wanted


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
