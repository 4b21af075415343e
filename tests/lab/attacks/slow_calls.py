"""Attacks by calls that never end: scripts, ballots, constitutions, hanging handlers.

The node goes on without them. So there is no election, others are answered meanwhile,
and each call ends at its limit with an answer and a line in the log.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence

from ccfpy.base import limits
from ccfpy.base.json import JsonObject
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner
from tests.lab.attacks.app import HOSTILE_MS_MAX
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Bounds, Spend
from tests.lab.attacks.hostile_scripts import (
    ENDLESS,
    ENDLESS_BALLOT,
    ENDLESS_CONSTITUTION,
    SHORT,
)
from tests.lab.attacks.wires import Answered, NoAnswer, connected

HANG = "/app/hostile/hang"
WAIT = "/app/hostile/wait"
LOOP = "/app/hostile/loop"
BUILT_IN = "/node/commit"
PROPOSALS = 3
ELSEWHERE = 2
"""The last part of the first address that crowds come from, and nobody else."""
SHARE = limits.SLOW_CALLS_MAX // 2
"""How many slow calls one caller may have while nobody else has any."""
CROWD_ENDS_S = 90.0
"""A call that waits for its turn takes as long as all the others of its caller."""
HANG_PLACES = 8
HANG_ROUNDS_MAX = 5
BEYOND = 8
"""How many calls are made at once beyond those that may be slow."""
SCRIPT_P99_MAX_S = 0.1
PYTHON_P99_MAX_S = 0.25
SCRIPTS_P99_MAX_S = 0.25
"""Beside as many endless scripts as there are processors, or one more."""
GIVEN_UP_S = (HOSTILE_MS_MAX + limits.SLOW_CALL_GIVEN_UP_MS) / 1000
LATE_MAX_S = 1.0
"""By how much an answer to a hanging call may be late on a busy machine."""
LOG_TIMEOUT_S = 10.0
POLL_S = 0.05
INFO = "public:ccf.gov.proposals_info"
GOVERN_TIMEOUT_S = 90.0
LATE = b"Operation took too long to complete."
_OK = 200
_REFUSED = 503
_SERVER_ERROR = 500
_FULL = "calls of the application's Python code hang"


class _Given:
    """What an answer must be, and a breach for each that is not."""

    def __init__(self) -> None:
        self.breaches: list[str] = []

    def check(self, said: object, *, holds: bool) -> None:
        """Note a breach if a condition does not hold."""
        if not holds:
            self.breaches.append(str(said))


async def _ask(target: Target, spend: Spend, path: str) -> Answered:
    async with connected(target.address, spend) as wire:
        return await wire.ask("GET", path)


async def _ask_at_once(
    target: Target, spend: Spend, path: str, count: int, places: int = 1
) -> Sequence[Answered]:
    """Ask on as many connections, all of which are there before the first request.

    Args:
        target: the service.
        spend: what that costs is added to it.
        path: what is asked for.
        count: how many connections.
        places: from how many addresses they come, in turn.
    """
    async with contextlib.AsyncExitStack() as held:
        wires = [
            await held.enter_async_context(
                connected(target.address, spend, place=ELSEWHERE + number % places)
            )
            for number in range(count)
        ]
        return await asyncio.gather(
            *(wire.ask("GET", path, timeout_s=CROWD_ENDS_S) for wire in wires)
        )


def is_refused(answered: Answered) -> bool:
    """Return whether an answer is 503, and says when to try again."""
    is_timed = answered.headers.get("retry-after", "").isdigit()
    return answered.status == _REFUSED and is_timed


def is_late(answered: Answered) -> bool:
    """Return whether an answer says that the call was ended at its limit."""
    return answered.status == _SERVER_ERROR and LATE in answered.body


async def _others_go_on(target: Target, spend: Spend, given: _Given) -> None:
    """Check that a script and an endpoint of the node's are answered."""
    for path in (SHORT, BUILT_IN):
        answered = await _ask(target, spend, path)
        given.check(
            f"{path} was answered with {answered.status} beside slow calls",
            holds=answered.status == _OK,
        )


def _log(target: Target) -> str:
    return target.primary.log.read_text(errors="replace")


async def _is_logged(target: Target, *words: str) -> bool:
    """Wait for a line with all these words, which may come after the answer."""
    deadline_s = time.monotonic() + LOG_TIMEOUT_S
    while True:
        lines = _log(target).splitlines()
        if any(all(word in line for word in words) for line in lines):
            return True
        if time.monotonic() > deadline_s:
            return False
        await asyncio.sleep(POLL_S)


async def script(target: Target, spend: Spend) -> Sequence[str]:
    """Call an endpoint in JavaScript that never ends."""
    given = _Given()
    answered = await _ask(target, spend, ENDLESS)
    given.check(
        f"{ENDLESS} was answered with {answered.body!r}", holds=is_late(answered)
    )
    given.check(
        f"the log does not name {ENDLESS}", holds=await _is_logged(target, ENDLESS)
    )
    return given.breaches


async def crowd(target: Target, spend: Spend) -> Sequence[str]:
    """Call a slow handler on more connections than may be slow at once."""
    return await _crowd(target, spend, WAIT, _is_true)


async def spin_crowd(target: Target, spend: Spend) -> Sequence[str]:
    """Call a handler that computes without end on more connections than may be slow."""
    return await _crowd(target, spend, LOOP, is_late)


async def script_crowd(target: Target, spend: Spend) -> Sequence[str]:
    """Call an endless script on more connections than may be slow at once."""
    return await _crowd(target, spend, ENDLESS, is_late)


async def _crowd(
    target: Target, spend: Spend, path: str, is_let_in: Callable[[Answered], bool]
) -> Sequence[str]:
    given = _Given()
    count = limits.SLOW_CALLS_MAX + BEYOND
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(_ask_at_once(target, spend, path, count))
        while not asked.done():
            for other in (SHORT, BUILT_IN):
                beside = await _ask(target, spend, other)
                given.check(
                    f"{other} was answered with {beside.status} beside a crowd",
                    holds=beside.status == _OK,
                )
    answers = asked.result()
    refused = sum(map(is_refused, answers))
    let_in = sum(map(is_let_in, answers))
    given.check(
        f"of {count} calls at once {refused} were refused, and {let_in} were let in",
        holds=let_in <= SHARE and refused + let_in == count,
    )
    await _others_go_on(target, spend, given)
    return given.breaches


def _is_true(answered: Answered) -> bool:
    return answered.status == _OK and answered.body == b"true"


async def hang(target: Target, spend: Spend) -> Sequence[str]:
    """Call a handler that hangs for good, as often as may be and once more."""
    given = _Given()
    begin_s = time.monotonic()
    answered = await _ask(target, spend, HANG)
    took_s = time.monotonic() - begin_s
    given.check(f"{HANG} was answered with {answered.body!r}", holds=is_late(answered))
    given.check(
        f"{HANG} was answered after {took_s:.2f} s",
        holds=took_s < GIVEN_UP_S + LATE_MAX_S,
    )
    given.check(
        f"the log does not name {HANG}",
        holds=await _is_logged(target, HANG, "has not come back"),
    )
    await _others_go_on(target, spend, given)
    hung = 1
    for _ in range(HANG_ROUNDS_MAX):
        count = HANG_PLACES * (limits.HUNG_CALLS_MAX - hung)
        more = await _ask_at_once(target, spend, HANG, count, HANG_PLACES)
        hung += sum(map(is_late, more))
        given.check(
            f"{len(more)} calls were neither refused nor ended at their limit",
            holds=all(is_late(each) or is_refused(each) for each in more),
        )
        if hung == limits.HUNG_CALLS_MAX:
            break
    given.check(f"{hung} calls hang", holds=hung == limits.HUNG_CALLS_MAX)
    for path in (HANG, WAIT):
        answered = await _ask(target, spend, path)
        given.check(
            f"{path} was answered with {answered.status} beside hanging calls",
            holds=is_refused(answered),
        )
    await _others_go_on(target, spend, given)
    await _is_logged(target, _FULL)
    said = _log(target).count(_FULL)
    given.check(f"the log says {said} times that too many hang", holds=said == 1)
    return given.breaches


@contextlib.asynccontextmanager
async def _member(target: Target, number: int) -> AsyncIterator[Governance]:
    """Yield a member with a connection of its own, who waits patiently."""
    network = target.network
    name = network.options.members[number]
    async with network.connect(
        target.primary, timeout_s=GOVERN_TIMEOUT_S
    ) as connection:
        yield Governance(connection, FileSigner.load(target.keys(name)))


async def ballots(target: Target, spend: Spend) -> Sequence[str]:
    """Submit ballots that never end, for several proposals at once."""
    given = _Given()
    async with _member(target, 1) as proposer:
        proposed = [
            (await proposer.propose([_set_data(number)])).proposal_id
            for number in range(PROPOSALS)
        ]

        async def vote(proposal_id: str) -> None:
            async with _member(target, 0) as voter:
                status = await voter.vote(proposal_id, ENDLESS_BALLOT)
            given.check(
                f"a ballot without an end made a proposal {status.state}",
                holds=status.is_open and status.ballot_count == 1,
            )

        await _at_once(spend, map(vote, proposed))
        given.check(
            "the log does not say that ballots were stopped",
            holds=all(
                [
                    await _is_logged(target, f"vote of {INFO}[{each}]")
                    for each in proposed
                ]
            ),
        )
        for proposal_id in proposed:
            await proposer.withdraw(proposal_id)
    return given.breaches


async def constitutions(target: Target, spend: Spend) -> Sequence[str]:
    """Propose constitutions whose check never ends, as two members at once."""
    given = _Given()

    async def propose(number: int) -> None:
        action: JsonObject = {
            "name": "set_constitution",
            "args": {"constitution": ENDLESS_CONSTITUTION},
        }
        async with _member(target, number) as member:
            try:
                status = await member.propose([action])
            except ServiceError as error:
                is_stopped = LATE.decode().rstrip(".") in error.message
                given.check(
                    error,
                    holds=error.code == "ProposalFailedToValidate" and is_stopped,
                )
            else:
                given.check(f"it is {status.state}", holds=False)

    await _at_once(spend, map(propose, (0, 1)))
    return given.breaches


async def _at_once(
    spend: Spend, deeds: Iterable[Coroutine[object, object, None]]
) -> None:
    together = [*deeds]
    spend.connections += len(together)
    try:
        await asyncio.gather(*together)
    except ServiceError as error:
        raise NoAnswer(f"a member is refused: {error}") from error


def _set_data(value: int) -> JsonObject:
    arguments: JsonObject = {"user_id": "0" * 64, "user_data": {"slow": value}}
    return {"name": "set_user_data", "args": arguments}


ATTACKS = (
    Attack(
        name="script",
        family=Family.SLOW_CALLS,
        about="an endpoint in JavaScript loops for ever",
        perform=script,
        bounds=Bounds(p99_max_s=SCRIPT_P99_MAX_S),
    ),
    Attack(
        name="ballots",
        family=Family.SLOW_CALLS,
        about=f"a member submits {PROPOSALS} ballots at once that loop for ever",
        perform=ballots,
        bounds=Bounds(p99_max_s=SCRIPTS_P99_MAX_S),
    ),
    Attack(
        name="constitutions",
        family=Family.SLOW_CALLS,
        about="two members propose constitutions at once whose check loops for ever",
        perform=constitutions,
        bounds=Bounds(p99_max_s=SCRIPTS_P99_MAX_S),
        is_quick=False,
    ),
    Attack(
        name="crowd",
        family=Family.SLOW_CALLS,
        about=f"{limits.SLOW_CALLS_MAX + BEYOND} connections call a slow handler",
        perform=crowd,
        bounds=Bounds(p99_max_s=PYTHON_P99_MAX_S),
    ),
    Attack(
        name="spin-crowd",
        family=Family.SLOW_CALLS,
        about=f"{limits.SLOW_CALLS_MAX + BEYOND} connections call an endless handler",
        perform=spin_crowd,
        bounds=Bounds(p99_max_s=PYTHON_P99_MAX_S),
    ),
    Attack(
        name="script-crowd",
        family=Family.SLOW_CALLS,
        about=f"{limits.SLOW_CALLS_MAX + BEYOND} connections call an endless script",
        perform=script_crowd,
        bounds=Bounds(p99_max_s=SCRIPTS_P99_MAX_S),
        is_quick=False,
    ),
    Attack(
        name="hang",
        family=Family.SLOW_CALLS,
        about=f"{limits.HUNG_CALLS_MAX} calls of a handler hang for good",
        perform=hang,
        bounds=Bounds(p99_max_s=PYTHON_P99_MAX_S, may_refuse=True),
        is_last=True,
    ),
)
