"""What would come of a proposal: the installed constitution run on this machine.

The constitution and the ballots run as a node runs them, with the same limits, on a
copy of the service's public tables. What only the service can do is written down and
not done: to make certificates, to change keys, to open the service.

A run is made for a time. The same run again gives the same outcome unless the tables
have changed, also where scripts ask for the time. Random bytes are the same in each
run. What a second run still writes otherwise, such as an RSA key, was made at random,
and outcomes are not compared by it. An outcome's name holds the time and a digest, so
that it can be found out later whether the outcome is still the one that somebody read.

Who decides by a constitution is found out by running it over proposals made up here. A
constitution is a program, which may decide otherwise for a proposal that is not tried:
what is found is a warning, and nothing that is not found is a proof.

Which actions a service's constitution defines, and which arguments each takes.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId, ProposalId, Seqno
from ccfpy.base.json import Json, dumps, loads
from ccfpy.base.ports import Entropy
from ccfpy.client.keys import OsEntropy
from ccfpy.client.review.characters import inline, quoted
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.gov import proposals
from ccfpy.gov.evaluation import EvaluationFailed, Evaluator
from ccfpy.gov.proposals import Proposal, read_constitution
from ccfpy.http.errors import ApiError
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.js.extension import own_source
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.served_tables import served_tables
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import Failure, ProposalInfo, ProposalState
from ccfpy.service.tables.service import CONSTITUTION, INFO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccfpy.client.review.public_state import PublicState


MEMBERS_TRIED_MAX: Final = 8
"""Of active members, in the order of their ids."""
TRIED: "Final[Mapping[str, Json]]" = {
    "set_constitution": {"constitution": "export function resolve () {}"},
    "set_js_app": {"bundle": {"metadata": {"endpoints": {}}, "modules": []}},
    "set_member": {"cert": "", "member_data": {}},
}
"""The actions whose deciders are found out, one proposal each."""
_ID: Final = ProposalId("0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What was found of a constitution.

    Attributes:
        alone: members of whom each decides alone, by action.
        nobody: actions that not even all active members together decide.
        failure: why the constitution decides nothing.
    """

    alone: dict[str, tuple[MemberId, ...]]
    nobody: tuple[str, ...]
    failure: str = ""


def find_rule(evaluator: "Evaluator") -> Rule:
    """Find out who decides, by the constitution and the members of a transaction.

    It stops at the first run that fails: a run may take as long as a script may.
    """
    infos = members.INFO.of(evaluator.tx).items()
    active = sorted(key for key, info in infos if info.status is MemberStatus.ACTIVE)
    alone: dict[str, tuple[MemberId, ...]] = {}
    nobody = []
    try:
        constitution = read_constitution(evaluator.tx, otherwise="there would be none")
        for name in TRIED:
            trial = _Trial(evaluator, constitution, name)
            tried = active[:MEMBERS_TRIED_MAX]
            # One who proposes has not voted: both may be what decides.
            deciding = tuple(each for each in tried if trial.decides(each))
            if deciding:
                alone[name] = deciding
            elif not (
                active and trial.accepted(active[0], dict.fromkeys(active, True))
            ):
                nobody.append(name)
    except (_Failed, JsModuleFailed, ApiError, Malformed) as error:
        return Rule(alone=alone, nobody=tuple(nobody), failure=str(error))
    return Rule(alone=alone, nobody=tuple(nobody))


class _Failed(Exception):
    """The constitution says nothing about a proposal."""


class _Trial:
    def __init__(
        self, evaluator: "Evaluator", constitution: "Program", name: str
    ) -> None:
        self._evaluator, self._constitution = evaluator, constitution
        self._body = dumps({"actions": [{"name": name, "args": TRIED[name]}]})

    def decides(self, member_id: MemberId) -> bool:
        """Return whether a member's proposal passes with the same member's vote."""
        return self.accepted(member_id, {}) or self.accepted(
            member_id, {member_id: True}
        )

    def accepted(self, proposer_id: MemberId, votes: dict[MemberId, bool]) -> bool:
        """Return whether a proposal passes with these votes.

        Raises:
            _Failed: the constitution does not say.
        """
        info = ProposalInfo(proposer_id=proposer_id)
        proposal = Proposal(proposal_id=_ID, body=self._body, info=info)
        told = proposals.decide(self._evaluator, self._constitution, proposal, votes)
        if told.failure is not None:
            raise _Failed(told.failure.reason)
        return told.state is ProposalState.ACCEPTED


_NAME: Final = re.compile(r"([0-9]{1,18})\.[0-9a-f]{64}", re.ASCII)
_RULING: Final = frozenset(
    {
        CONSTITUTION.name,
        members.INFO.name,
        members.CERTS.name,
        members.ENCRYPTION_PUBLIC_KEYS.name,
    }
)
"""Tables of CCF's own by which members decide."""
CCF_TABLES: Final = frozenset(table.name for table, _ in served_tables())
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
    entropy: Entropy = field(default_factory=OsEntropy)
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
        self.asked.append(
            f"certify a node from {quoted(valid_from)} for {validity_days} days"
        )
        return MADE_BY_SERVICE

    def check_room_for_script(self) -> None:
        """Allow it: there is one call."""

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        """Return a text in place of the certificate."""
        self.asked.append(
            f"renew the service's certificate from {quoted(valid_from)} "
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


class _Repeated(OsEntropy):
    """Bytes that are the same in each run; no secret is made here.

    Attributes:
        was_asked: whether any were taken.
    """

    def __init__(self) -> None:
        self._last = b"dry run"
        self.was_asked = False

    def random_bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        self.was_asked = True
        made = b""
        while len(made) < count:
            self._last = sha256(self._last)
            made += sha256(self._last + b"told")
        return made[:count]


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
        again: what it would change by a second run: what was made at random is
            another there.
        asked: what the proposal would ask of the service, in words.
        failure: why the proposal could not be carried out.
        took_random: whether scripts took random bytes to carry it out.
        before: the tables as they are.
        made_at_us: the time that scripts saw, in microseconds since 1970.
        rule: who would decide then, if the proposal could change that.
        rule_today: who decides today, if one would decide alone then.
    """

    votes: dict[MemberId, bool]
    failures: dict[MemberId, Failure]
    invalid: str | None
    state: ProposalState
    more: tuple[MemberId, ...] | None
    fewer: tuple[MemberId, ...] | None
    waiting: tuple[MemberId, ...]
    writes: WriteSet
    again: WriteSet
    asked: tuple[str, ...]
    failure: str | None
    took_random: bool
    before: Store
    made_at_us: int
    rule: Rule | None
    rule_today: Rule | None

    def name(self, said: Sequence[object]) -> str:
        """Return the time, and a digest of what would come of it, byte for byte.

        Votes are no part of it: others may vote while somebody reads.

        Args:
            said: the consequences that a reader is told. They may rest on rows that
                stay, such as who else is a member.
        """
        rows = sorted(map(json.dumps, self._compared_rows()))
        told = [self.invalid, self.failure, self.asked, rows, [*map(repr, said)]]
        return f"{self.made_at_us}.{sha256_hex(json.dumps(told).encode())}"

    def _compared_rows(self) -> Iterator[list[str | None]]:
        """Yield the rows that would change, without what was made at random."""
        tx = self.before.begin(read_only=True)
        for table, rows in self.writes.items():
            again = self.again.get(table, {})
            unrepeated = self.unrepeated.get(table, frozenset())
            for key, new in rows.items():
                row = [table, key.hex(), _hex(tx.raw(table).get(key))]
                if key not in unrepeated:
                    yield [*row, _hex(new)]
                else:
                    yield [*(row if key in again else [table]), "made at random"]

    @property
    def unrepeated(self) -> dict[str, frozenset[bytes]]:
        """The keys of rows that a second run wrote otherwise or not, by table."""
        found = {
            table: rows.items() - self.again.get(table, {}).items()
            for table, rows in self.writes.items()
        }
        return {
            table: frozenset(key for key, _ in rows)
            for table, rows in found.items()
            if rows
        }


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def time_of(outcome: str) -> int:
    """Return the time for which an outcome was found, by its name.

    Raises:
        Malformed: this names no outcome.
    """
    found = _NAME.fullmatch(outcome)
    if found is None:
        raise Malformed("an outcome is named by a time and a SHA-256 digest")
    return int(found[1])


def dry_run(
    store: Store,
    proposal: Proposal,
    *,
    order: Callable[[MemberId], str] = str,
    now_us: int | None = None,
) -> Outcome:
    """Run the constitution over an open proposal; nothing is written.

    Args:
        store: the service's public tables.
        proposal: the proposal.
        order: by which members are sorted who might vote for the proposal.
        now_us: the time that scripts see, in microseconds since 1970; this machine's
            if none is given.

    Raises:
        ApiError: there is no constitution.
    """
    now_us = time.time_ns() // 1000 if now_us is None else now_us
    node, reading = AbsentNode(entropy=_Repeated()), store.begin(read_only=True)
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
    applied, again = (
        _apply(evaluator, constitution, proposal, store.begin()) for _ in range(2)
    )
    rule = _rule_after(evaluator, applied)
    return Outcome(
        votes=votes,
        failures=failures,
        invalid=invalid,
        state=state,
        more=more,
        fewer=fewer,
        waiting=tuple(each for each in others if each not in failures),
        writes=applied.writes,
        again=again.writes,
        asked=applied.asked,
        failure=applied.failure,
        took_random=applied.took_random,
        before=store,
        made_at_us=now_us,
        rule=rule,
        rule_today=find_rule(evaluator) if rule and rule.alone else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    """What an accepted proposal did to a transaction that is not committed."""

    tx: Tx
    writes: WriteSet
    asked: tuple[str, ...]
    failure: str | None
    took_random: bool


def _apply(
    evaluator: Evaluator, constitution: Program, proposal: Proposal, writing: Tx
) -> _Applied:
    # A node of its own: how many votes were tried before is no part of the outcome.
    entropy = _Repeated()
    node, failure = AbsentNode(entropy=entropy), None
    try:
        replace(evaluator, tx=writing, node=node).apply(
            constitution, "apply", [proposal.text, str(proposal.proposal_id)]
        )
    except (EvaluationFailed, JsModuleFailed) as error:
        failure = str(error)
    return _Applied(
        tx=writing,
        writes={} if failure else writing.writes,
        asked=tuple(node.asked),
        failure=failure,
        took_random=entropy.was_asked,
    )


def _rule_after(evaluator: Evaluator, applied: _Applied) -> Rule | None:
    """Return who would decide then; nothing if the proposal cannot change that."""
    if not _may_change_the_rule(applied.writes):
        return None
    return find_rule(replace(evaluator, tx=applied.tx))


def _may_change_the_rule(writes: WriteSet) -> bool:
    """Return whether a constitution may decide otherwise after these writes.

    One may also read tables of its own.
    """
    return any(
        rows and (table in _RULING or table not in CCF_TABLES)
        for table, rows in writes.items()
    )


def _active_members(tx: Tx) -> set[MemberId]:
    infos = members.INFO.of(tx).items()
    return {key for key, info in infos if info.status is MemberStatus.ACTIVE}


FUNCTION = "definitions"
EXAMPLES: tuple[Json, ...] = (
    *("0" * digits for digits in (64, 16, 8)),
    1,
    True,
    {"metadata": {"endpoints": {}}, "modules": [], "keys": []},
    [],
)
"""Values that checks take: ids, versions and kinds of processors in hex, an app."""
_FOUND = re.compile(r" but is \w+$")
"""The end of CCF's words about a type, which names what was given."""


class NoDefinitions(CcfpyError):
    """The constitution does not say which actions there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of an action.

    Attributes:
        wanted: what the constitution says when it refuses a value; empty if it takes
            any.
    """

    name: str
    is_required: bool
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An action that members may propose."""

    name: str
    arguments: tuple[Argument, ...]


def definitions(state: "PublicState") -> list[Definition]:
    """Ask a service's constitution for its actions, by running it on this machine.

    An argument may be missing if the constitution does not check it, or looks at it
    only when another has a certain value.

    Raises:
        NoDefinitions: the constitution keeps no map ``actions`` as CCF's do.
        ApiError: the service has no constitution.
    """
    tx = state.store.begin(read_only=True)
    constitution = read_constitution(tx, otherwise="the service has no constitution")
    asking = own_source("ccfpy.client.review.definitions")
    program = Program(name=constitution.name, source=f"{constitution.source}\n{asking}")
    evaluator = Evaluator.of(AbsentNode(), tx, time.time_ns() // 1000)
    info = INFO.of(tx).get()
    examples = [*EXAMPLES, *([] if info is None else [info.cert])]
    try:
        told = evaluator.evaluate(program, FUNCTION, [examples])
    except (EvaluationFailed, JsModuleFailed) as error:
        raise NoDefinitions(
            f"the constitution does not say which actions it knows: {error}"
        ) from error
    return [_definition(each) for each in _objects(loads(told or "[]"))]


def _definition(told: dict[str, Json]) -> Definition:
    return Definition(
        name=inline(str(told.get("name"))),
        arguments=tuple(
            Argument(
                name=inline(str(each.get("name"))),
                is_required=each.get("required") is True,
                wanted=_wanted(str(each.get("name")), str(each.get("wanted"))),
            )
            for each in _objects(told.get("arguments"))
        ),
    )


def _objects(value: Json) -> list[dict[str, Json]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, dict)]


def _wanted(name: str, refusal: str) -> str:
    """Shorten ``cert must be of type string but is function`` to what is wanted."""
    words = _FOUND.sub("", refusal).removeprefix(f"{name} must ")
    return inline(words.removeprefix("be of type ").removeprefix("be "))
