"""One run of whole nodes: a service that grows, chaos, and then calm and progress."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from ccfpy.ledger.entry import Entry
from tests.lab.cluster.whole import quorums
from tests.lab.cluster.whole.booting import ELECTION_TIMEOUT_MS
from tests.lab.cluster.whole.chaos import Chaos
from tests.lab.cluster.whole.clients import KEYS
from tests.lab.cluster.whole.final_checks import check_run
from tests.lab.cluster.whole.interception import interception
from tests.lab.cluster.whole.stage import Stage
from tests.lab.consistency.history import Answered
from tests.lab.invariants.violated import Violated

ACTS = 150
"""How many acts a run has, without the opening and the calm."""
TIMEOUTS_TO_PROGRESS = 24
"""Election timeouts within which a service that can go on must do so."""
_STEP_MS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one seed.

    Attributes:
        acts: what was done, as lines.
        steps: how many inputs nodes took.
        leaders: how many views had a leader.
        commits: how many signatures became final.
        could_go_on: whether the faults left what progress needs.
        trace: a digest of every step.
        failure: which invariant was violated, if one was.
        reason: how.
    """

    seed: int
    acts: tuple[str, ...]
    steps: int
    leaders: int
    commits: int
    configurations: int
    could_go_on: bool
    trace: str
    failure: str | None = None
    reason: str = ""


def run(seed: int, *, acts: int = ACTS) -> Run:
    """Run what the dice of a seed choose."""
    dice = Random(f"whole nodes {seed}")  # noqa: S311 - a schedule, not a secret

    def play(stage: Stage) -> None:
        open_service(stage, nodes=dice.choice((3, 3, 3, 4, 5)))
        chaos = Chaos(stage, dice)
        for _ in range(acts):
            chaos.act()

    return _run(seed, play)


def replay(seed: int, lines: Iterable[str]) -> Run:
    """Follow the lines; the seed decides the keys."""

    def play(stage: Stage) -> None:
        for line in lines:
            stage.do(line)

    return _run(seed, play)


def _run(seed: int, play: Callable[[Stage], None]) -> Run:
    failure, reason = None, ""
    with interception(seed):
        stage = Stage(seed)
        could_go_on = True
        try:
            stage.start()
            play(stage)
            could_go_on = calm(stage)
            check_run(stage)
        except Violated as violated:
            failure, reason = violated.invariant, str(violated)
        finally:
            for node in stage.world.nodes:
                node.slow.end()
    watch = stage.watch
    return Run(
        seed=seed,
        acts=tuple(stage.acts),
        steps=stage.world.steps,
        leaders=len(watch.leaders),
        commits=watch.commits,
        configurations=len(watch.configurations),
        could_go_on=could_go_on,
        trace=watch.trace.hex(),
        failure=failure,
        reason=reason,
    )


def open_service(stage: Stage, *, nodes: int) -> None:
    """Grow a service that trusts every node that asks to join, and then open it."""
    for _ in range(nodes - 1):
        stage.do("join 0")
        stage.do(f"pass {_STEP_MS}")
    stage.do("open")
    stage.do(f"pass {_STEP_MS}")


def calm(stage: Stage) -> bool:
    """End all faults, and wait for the service to go on; return whether it could.

    Raises:
        Violated: the service could go on and did not.
    """
    world = stage.world
    world.faults.clear()
    for node in world.alive:
        node.rate = 1.0
    stage.end_slow_calls()
    first_op = stage.clients.next_op
    deadline = world.now_ms + TIMEOUTS_TO_PROGRESS * ELECTION_TIMEOUT_MS
    while world.now_ms < deadline:
        stage.let_pass(_STEP_MS)
        if _has_gone_on(stage, first_op):
            return True
        # Often, because connections of an earlier view end at their first request.
        for leader in world.leaders[-1:]:
            stage.clients.write(leader, KEYS[0])
    if quorums.can_go_on(world) and not _was_opened_in_vain(stage):
        raise Violated("Progress", standing(stage))
    return False


def _was_opened_in_vain(stage: Stage) -> bool:
    """Return whether there is a leader, and a service that nobody opened for good."""
    leaders = stage.world.leaders
    return bool(leaders) and not leaders[-1].running.frontends["app"].is_open


def _has_gone_on(stage: Stage, first_op: int) -> bool:
    """Return whether a write after the faults is final for all nodes that count."""
    world = stage.world
    if not world.leaders:
        return False
    raft = world.leaders[-1].running.replication.raft
    counted = [node for node in world.alive if node.id in raft.nodes]
    needed = quorums.up(world) | quorums.coming(world)
    reached = min((node.commit for node in counted if node.id in needed), default=0)
    final = stage.watch.final
    for event in reversed(stage.clients.events):
        if isinstance(event, Answered) and event.op >= first_op:
            seqno = event.txid.seqno
            if seqno <= reached and Entry.parse(final[seqno - 1]).txid == event.txid:
                return True
    return False


def standing(stage: Stage) -> str:
    """Describe each node, for people who search for the reason of a failure."""
    return "; ".join(
        f"{node.name}: view {node.view}, {node.commit} of {node.last_seqno}, "
        + (
            f"{node.running.replication.raft.state.leadership}, {node.running.state}"
            if node.is_alive
            else f"gone ({node.end})"
        )
        for node in stage.world.nodes
    )
