"""One run: nodes are replaced one by one, first all by ccfpy's, then all by CCF's.

Between two swaps members change what nodes act upon, so that each program reads what
the other wrote: a new ledger secret, new certificates, a snapshot, a new ledger file.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeFailed, NodeProcess
from tests.lab.faults.evidence import compare_files, verify_ledger, whole_ledger
from tests.lab.faults.run import first_of
from tests.lab.moving.build import Build, own_digest, own_placement
from tests.lab.moving.evidence import (
    NAMED_MAX,
    exchanged,
    in_places,
    not_in_ledger,
    public_writes,
    revived,
    testimony,
    transactions,
    twice,
    write_evidence,
    write_writes,
)
from tests.lab.moving.writers import Writers

APP = "logging"
HOLD_TIMEOUTS = 0.5, 4.0
"""The shortest and the longest time for which a node is held, in election timeouts."""
JOINS_MAX = 3
"""Nodes that are started in place of one, because the primary changed."""
SETTLE_S = 1.0
"""Of load before the first swap and after the last."""


class Kind(StrEnum):
    """The programs that a node may run."""

    CCF = "CCF"
    CCFPY = "ccfpy"


class WriteLost(CcfpyError):
    """A write that was acknowledged is not there, or one called invalid is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        workspace: where the nodes' files go.
        build: of C++ CCF.
        nodes: how many nodes.
        seconds: how long nodes are swapped.
        swaps_max: after how many swaps to end sooner.
        kill_every: which of the swaps kill the old node, such as every third; none if
            0. Otherwise members retire it.
        clients: how many clients.
        hold_every: before which of the swaps to hold a node for a while, so that the
            others elect without it and it comes back with what it had; none if 0.
        seed: decides which nodes are held, and for how long.
        pause_s: between two writes of one client.
        has_pre_vote: whether ccfpy's nodes ask for pre-votes; C++ nodes never do.
    """

    workspace: Path
    build: Build
    nodes: int = 3
    seconds: float = 180.0
    swaps_max: int | None = None
    kill_every: int = 3
    clients: int = 6
    hold_every: int = 0
    seed: int = 1
    pause_s: float = 0.02
    election_timeout_ms: int = 1000
    has_pre_vote: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A node that took another's place.

    Attributes:
        at_s: when the swap began.
        old: the name and program of the node that left.
        new: the same of the node that came.
        was_primary: whether the old node led.
        was_killed: whether the old node was killed before the new node came.
        decided: the action on which members decided before.
        took_s: how long the swap took.
        answered: writes that were answered meanwhile.
        worst_gap_s: the longest time without any answer meanwhile.
    """

    at_s: float
    old: str
    new: str
    was_primary: bool
    was_killed: bool
    decided: str
    took_s: float
    answered: int
    worst_gap_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found.

    Attributes:
        acknowledged: how many writes were called committed; all were found.
        uncertain: how many writes ended without that word.
        invalid: how many of these a node called invalid; the ledger has none of them.
        troubles: why writes were not seen at the first look, and how often.
        worst_stall_s: the longest time for which the run's own process stood still.
        last_signed: the last signature of the longest ledger.
        chunks: committed ledger files that were compared.
        copies: how often the same committed file was found.
    """

    plan: Plan
    version: str
    swaps: Sequence[Swap]
    seconds: float
    answered: int
    acknowledged: int
    uncertain: int
    invalid: int
    troubles: Mapping[str, int]
    worst_gap_s: float
    worst_stall_s: float
    last_signed: TxId
    chunks: int
    copies: int


@dataclass(slots=True)
class Run:
    """The state of a run under way.

    Attributes:
        say: is called with each swap.
        note: is called with a line about what the run does now, or has found.
    """

    plan: Plan
    say: Callable[[Swap], None]
    note: Callable[[str], None]
    swaps: list[Swap] = field(default_factory=list)

    async def perform(self) -> Report:
        """Run.

        Raises:
            WriteLost: an acknowledged write is not there.
            EvidenceDiffers: the nodes' files contradict each other.
            NotInTime: the service did not go on.
        """
        plan = self.plan
        network = ProcessNetwork(
            ServiceOptions(
                workspace=plan.workspace,
                app=APP,
                constitution=plan.build.constitution,
                program=NODE_PROGRAM,
                election_timeout_ms=plan.election_timeout_ms,
                forwarding_timeout_ms=plan.election_timeout_ms,
                chunk_size="200KB",
            )
        )
        writers = Writers(network, pause_s=plan.pause_s)
        plan.workspace.mkdir(parents=True, exist_ok=True)
        try:
            await network.begin([place(Kind.CCF, plan.build, APP)] * plan.nodes)
            own = own_digest()
            await network.open(
                [{"name": "add_virtual_host_data", "args": {"host_data": own}}]
            )
            await self._under_load(network, writers)
            seconds = writers.answered.now_s()
            self.note(f"reading {len(writers.acknowledged)} acknowledged writes")
            for node in network.serving:
                await network.wait_joined(node)
            missing = await writers.missing()
            last = network.serving[-1].ledger
            said = await testimony(network, writers, missing) if missing else {}
        finally:
            network.stop()
            write_writes(plan.workspace, writers)
        if missing:
            seqnos = [absent.write.txid.seqno for absent in missing[:NAMED_MAX]]
            lines = write_evidence(
                plan.workspace, missing, said, in_places(network, seqnos)
            )
            for line in lines:
                self.note(line)
            raise WriteLost(
                f"{len({absent.write.number for absent in missing})} acknowledged "
                "writes are not there: " + "; ".join(map(str, missing[:NAMED_MAX]))
            )
        folders = [node.ledger for node in network.nodes]
        return self._compare(folders, last, writers, seconds)

    def _compare(
        self, folders: Sequence[Path], last: Path, writers: Writers, seconds: float
    ) -> Report:
        """Compare what clients were told with the ledgers of the stopped nodes.

        Args:
            folders: the ledgers of all nodes.
            last: the ledger of a node that served until the end.
            writers: the clients.
            seconds: how long they wrote.
        """
        self.note("comparing the ledgers")
        committed, copies = compare_files(folders)
        files = whole_ledger(last, committed)
        signed = verify_ledger(last, files)
        assert signed is not None, "the service signed"
        ledger = transactions(files)
        acknowledged = writers.acknowledged.values()
        if lost := not_in_ledger(ledger, acknowledged):
            raise WriteLost(
                f"{len(lost)} acknowledged writes are not in the ledger in {last}: "
                + "; ".join(map(str, lost[:NAMED_MAX]))
            )
        if others := exchanged(public_writes(files), acknowledged):
            raise WriteLost(
                "writes were given the transactions of other writes: "
                + "; ".join(map(str, others[:NAMED_MAX]))
            )
        if same := twice(acknowledged):
            raise WriteLost(
                "two writes were given one transaction: "
                + "; ".join(map(str, same[:NAMED_MAX]))
            )
        if back := revived(ledger, writers.invalid):
            raise WriteLost(
                f"the ledger in {last} has transactions that a node called invalid: "
                + ", ".join(map(str, back[:NAMED_MAX]))
            )
        return Report(
            plan=self.plan,
            version=self.plan.build.version(),
            swaps=self.swaps,
            seconds=seconds,
            answered=len(writers.answered.times_s),
            acknowledged=len(acknowledged),
            uncertain=writers.uncertain,
            invalid=len(writers.invalid),
            troubles=writers.troubles,
            worst_gap_s=writers.answered.worst_gap_s(0, seconds),
            worst_stall_s=writers.worst_stall_s,
            last_signed=signed,
            chunks=len(committed),
            copies=copies,
        )

    async def _under_load(self, network: ProcessNetwork, writers: Writers) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(writers.watch_stalls())
            for number in range(self.plan.clients):
                group.create_task(writers.run(number))
            try:
                await asyncio.sleep(SETTLE_S)
                await self._swap_all(network, writers)
                await asyncio.sleep(SETTLE_S)
            finally:
                writers.end()

    async def _swap_all(self, network: ProcessNetwork, writers: Writers) -> None:
        """Swap one node after another, until the time is over."""
        kinds = dict.fromkeys(network.nodes, Kind.CCF)
        agenda = itertools.cycle(decisions())
        dice = random.Random(self.plan.seed)  # noqa: S311 - the same by its seed
        begun_s = writers.answered.now_s()
        for aim in itertools.cycle((Kind.CCFPY, Kind.CCF)):
            for old in [node for node in network.serving if kinds[node] is not aim]:
                is_late = writers.answered.now_s() - begun_s > self.plan.seconds
                if is_late or len(self.swaps) == self.plan.swaps_max:
                    return
                if _is_due(self.plan.hold_every, len(self.swaps)):
                    await self._hold(dice.choice(network.serving), dice)
                action = next(agenda)
                await network.govern([action()])
                before = writers.answered.now_s()
                was_primary = await network.primary() is old
                is_killed = _is_due(self.plan.kill_every, len(self.swaps))
                if is_killed:
                    # A dead node that still counts would make every commit wait for
                    # the new node, so members retire the dead node first.
                    old.kill()
                    await network.remove(old)
                    new = await self._add(network, aim)
                else:
                    new = await self._add(network, aim)
                    await network.remove(old)
                kinds[new] = aim
                after = writers.answered.now_s()
                swap = Swap(
                    at_s=before,
                    old=f"{old.name} {kinds[old]}",
                    new=f"{new.name} {aim}",
                    was_primary=was_primary,
                    was_killed=is_killed,
                    decided=str(action()["name"]),
                    took_s=after - before,
                    answered=writers.answered.count(before, after),
                    worst_gap_s=writers.answered.worst_gap_s(before, after),
                )
                self.swaps.append(swap)
                self.say(swap)

    async def _hold(self, node: NodeProcess, dice: random.Random) -> None:
        """Pause a node, for long enough to be given up or not quite."""
        held_s = dice.uniform(*HOLD_TIMEOUTS) * self.plan.election_timeout_ms / 1000
        self.note(f"         {node.name} is held for {held_s:.1f} s")
        node.pause()
        await asyncio.sleep(held_s)
        node.resume()

    async def _add(self, network: ProcessNetwork, kind: Kind) -> NodeProcess:
        """Add a node, which asks the primary to let it join.

        A backup would send the new node to the primary for a snapshot, and refuse the
        node if that snapshot is older than the one from which the backup began. The
        primary may become a backup meanwhile, so a refused node is replaced.

        Raises:
            NodeFailed: the last of some nodes failed too.
        """
        plan = self.plan
        placement = place(kind, plan.build, APP, has_pre_vote=plan.has_pre_vote)
        for _ in range(JOINS_MAX - 1):
            target = (await network.primary()).address
            try:
                return await network.add(placement, target=target)
            except NodeFailed as error:
                self.note(f"         tried again: {error}")
        target = (await network.primary()).address
        return await network.add(placement, target=target)


def _is_due(every: int, done: int) -> bool:
    """Return whether a swap is one of those that something happens at."""
    return every > 0 and done % every == every - 1


def place(
    kind: Kind, build: Build, app: str, *, has_pre_vote: bool = True
) -> Placement:
    """Return a place for a node that runs one of the programs."""
    if kind is Kind.CCF:
        return build.placement(app)
    return own_placement(has_pre_vote=has_pre_vote)


def decisions() -> Sequence[Callable[[], JsonObject]]:
    """Return what members decide between swaps, in turn."""

    def renewal() -> JsonObject:
        valid_from = datetime.now(tz=UTC) - timedelta(minutes=1)
        return {
            "name": "set_all_nodes_certificate_validity",
            "args": {
                "valid_from": valid_from.strftime("%y%m%d%H%M%SZ"),
                "validity_period_days": 30,
            },
        }

    return (
        lambda: {"name": "trigger_ledger_rekey"},
        lambda: {"name": "trigger_snapshot"},
        renewal,
        lambda: {"name": "trigger_ledger_chunk"},
    )


def run_moving(
    plan: Plan, say: Callable[[Swap], None], note: Callable[[str], None]
) -> Report:
    """Run a plan; see ``Run``."""
    try:
        return asyncio.run(Run(plan=plan, say=say, note=note).perform())
    except* CcfpyError as errors:
        raise first_of(errors) from errors
