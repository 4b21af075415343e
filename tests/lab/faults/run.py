"""One fault run, from the first node's start to the verdict.

A run has two phases. First one fault follows another while clients write and read. Then
all faults are healed, and every node must commit again before the run is judged.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import View
from ccfpy.client.share import constitution
from ccfpy.local.configuration import ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, NotInTime, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency import Checked, History, check
from tests.lab.consistency.history import InLedger, write_history
from tests.lab.consistency.last_reads import check_last_reads
from tests.lab.consistency.ledgers import Ivs
from tests.lab.consistency.linearizable import check_linearizable
from tests.lab.faults import app as fault_app
from tests.lab.faults.clients import Clients
from tests.lab.faults.disks import SizedDisks
from tests.lab.faults.etcd_clients import EtcdClients
from tests.lab.faults.etcd_witnesses import EtcdWitnesses, Witnessed
from tests.lab.faults.evidence import Evidence, gather_evidence, watch_entries
from tests.lab.faults.faults import (
    DELAY_FILE,
    NAMESPACED,
    FaultKind,
    Means,
    inflict,
)
from tests.lab.faults.namespaces import Namespaces
from tests.lab.faults.recorder import Recorder

PROGRESS_TIMEOUT_S = 60.0
RESUMPTION_TIMEOUTS = 10
"""In election timeouts: far more than a service needs to replace its primary."""
RESUMPTION_S_MIN = 20.0
"""However short election timeouts are: a starved machine needs seconds for one."""
WATCH_S = 0.2
SLOW_PROGRAM = (
    sys.executable,
    *("-m", "tests.lab.faults.slow_disk", "--delay-file", DELAY_FILE),
)
"""Every node's program where disks can be slow: a service has one program."""
HISTORY_FILE = "history.jsonl"


class Service(StrEnum):
    """What the nodes serve, and so which promises are checked."""

    OBJECTS = "objects"
    """Objects that show their own history, answered before their writes are final."""
    ETCD = "etcd"
    """Keys by etcd's calls, answered once they are final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        workspace: where the nodes' files and the history go.
        nodes: how many nodes.
        seconds: how long faults follow each other.
        rounds: after how many faults to end instead.
        seed: decides faults, targets and clients' choices; not the machine's timing.
        kinds: the faults to choose from.
        service: what the nodes serve.
        primary_share: how often the primary is among those hit.
        clients: how many clients.
        pause_s: between two requests of one client.
    """

    workspace: Path
    nodes: int = 3
    seconds: float = 60.0
    seed: int = 1
    rounds: int | None = None
    kinds: Sequence[FaultKind] = tuple(FaultKind)
    service: Service = Service.OBJECTS
    primary_share: float = 0.5
    clients: int = 6
    pause_s: float = 0.02
    election_timeout_ms: int = 1000

    @property
    def at_once_max(self) -> int:
        """How many nodes may be hit at once: the others are a majority still."""
        return max(1, (self.nodes - 1) // 2)

    @property
    def election_timeout_s(self) -> float:
        """The election timeout in seconds."""
        return self.election_timeout_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflicted:
    """A fault that was made.

    Attributes:
        was_primary: whether its node was the primary.
        resumed_s: after how long a later view answered a write; only then.
    """

    kind: FaultKind
    node: str
    was_primary: bool
    resumed_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found.

    Attributes:
        witnessed: what watchers and lease holders saw, where the keys are etcd's.
    """

    plan: Plan
    faults: Sequence[Inflicted]
    checked: Checked
    evidence: Evidence
    ivs: int
    views: Sequence[View]
    longest_pause_s: float
    seconds: float
    witnessed: Witnessed | None = None


@dataclass(slots=True)
class Run:
    """The state of a run under way."""

    plan: Plan
    say: Callable[[str], None]
    dice: random.Random
    recorder: Recorder = field(default_factory=Recorder)
    ivs: Ivs = field(default_factory=Ivs)
    faults: list[Inflicted] = field(default_factory=list)
    witnesses: EtcdWitnesses | None = None

    async def perform(self) -> Report:
        """Run.

        Raises:
            Inconsistent: a promise was broken.
            EvidenceDiffers: the nodes' files contradict each other.
            NotInTime: the service did not come back.
        """
        plan = self.plan
        with contextlib.ExitStack() as cleanup:
            means = self._means(cleanup)
            network = means.network
            cleanup.callback(network.stop)
            await network.begin([means.place() for _ in range(plan.nodes)])
            opened = await network.open()
            self.say(f"{plan.nodes} nodes, opened in {opened}")
            is_complete = False
            try:
                await self._under_load(means)
                is_complete = True
            finally:
                if not is_complete:  # a broken promise explains more than a time-out
                    self._check(None)
            network.stop()
            evidence = gather_evidence(network.nodes, self.ivs)
            checked = self._check(evidence.writes)
        return Report(
            plan=plan,
            faults=self.faults,
            checked=checked,
            evidence=evidence,
            ivs=len(self.ivs),
            views=sorted({view for _, view in self.recorder.write_answers}),
            longest_pause_s=self.recorder.longest_pause_s(),
            seconds=self.recorder.now_s(),
            witnessed=None if self.witnesses is None else self.witnesses.judge(),
        )

    def _check(self, ledger: Sequence[InLedger] | None) -> Checked:
        """Write the history to a file, and check it.

        The ledger has etcd's keys in private tables: what it holds is not read there.
        """
        is_etcd = self.plan.service is Service.ETCD
        history = History(
            events=self.recorder.events, ledger=None if is_etcd else ledger
        )
        with (self.plan.workspace / HISTORY_FILE).open("wb") as file:
            file.writelines(write_history(history))
        if is_etcd:
            check_linearizable(history.events)
        if self.witnesses is not None:
            check_last_reads(history.events, self.witnesses.nodes)
            self.witnesses.judge_leases()
        return check(history)

    def _means(self, cleanup: contextlib.ExitStack) -> Means:
        plan = self.plan
        disks = namespaces = None
        if FaultKind.FULL_DISK in plan.kinds:
            disks = cleanup.enter_context(SizedDisks())
        if any(kind in NAMESPACED for kind in plan.kinds):
            namespaces = cleanup.enter_context(Namespaces())
        options = ServiceOptions(
            workspace=plan.workspace,
            app=(
                str(Path(fault_app.__file__).resolve())
                if plan.service is Service.OBJECTS
                else "etcd"
            ),
            constitution=constitution("default"),
            program=SLOW_PROGRAM if FaultKind.SLOW_DISK in plan.kinds else NODE_PROGRAM,
            election_timeout_ms=plan.election_timeout_ms,
            forwarding_timeout_ms=plan.election_timeout_ms // 3,
            chunk_size="50KB",
            has_http2=plan.service is Service.ETCD,
        )

        def before_start(node: NodeProcess) -> None:
            if disks is not None:
                disks.mount(node.ledger)

        return Means(
            network=ProcessNetwork(options, before_start=before_start),
            dice=self.dice,
            namespaces=namespaces,
            disks=disks,
        )

    async def _under_load(self, means: Means) -> None:
        plan, network = self.plan, means.network
        kind = EtcdClients if plan.service is Service.ETCD else Clients
        clients = kind(
            network,
            self.recorder,
            user=network.options.users[0],
            pause_s=plan.pause_s,
            dice=random.Random(plan.seed),  # noqa: S311  # repeats by its seed
        )
        is_over = asyncio.Event()
        async with contextlib.AsyncExitStack() as cleanup:
            cleanup.push_async_callback(clients.close)
            if isinstance(clients, EtcdClients):
                self.witnesses = self._call_witnesses(network, clients)
                await cleanup.enter_async_context(self.witnesses.witnessing())
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(network, is_over))
                for number in range(plan.clients):
                    group.create_task(clients.run(f"c{number}"))
                try:
                    await self._chaos(means, clients)
                finally:
                    clients.end()
                    is_over.set()
            await self._settle(network, clients)

    def _call_witnesses(
        self, network: ProcessNetwork, clients: EtcdClients
    ) -> EtcdWitnesses:
        return EtcdWitnesses(
            network,
            clients,
            now_s=self.recorder.now_s,
            election_timeout_s=self.plan.election_timeout_s,
            dice=random.Random(self.plan.seed),  # noqa: S311  # repeats by its seed
        )

    async def _chaos(self, means: Means, clients: Clients) -> None:
        """Make one fault after another, and wait for progress after each."""
        plan = self.plan
        begin_s = self.recorder.now_s()
        rounds = 0
        await self._progress(means.network, clients)
        if self.witnesses is not None:
            await self.witnesses.ready(timeout_s=PROGRESS_TIMEOUT_S)
        while (
            rounds < plan.rounds
            if plan.rounds is not None
            else self.recorder.now_s() - begin_s < plan.seconds
        ):
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * plan.election_timeout_s)
            await self._round(means, clients)
            await self._progress(means.network, clients)
            rounds += 1

    async def _round(self, means: Means, clients: Clients) -> None:
        """Make a fault at some nodes, wait, undo it, and replace nodes that died.

        Raises:
            NodeFailed: another node died.
            NotInTime: the service does not go on without its primary.
        """
        plan, network, dice = self.plan, means.network, self.dice
        primary = await network.primary()
        hit = self._choose(primary, network)
        kinds = [dice.choice(plan.kinds) for _ in hit]
        together = kinds[0] in NAMESPACED and means.is_lucky()
        if together:
            kinds = [kinds[0]] * len(hit)
        hold_s = dice.uniform(1.0, 4.0) * plan.election_timeout_s
        view = max((view for _, view in self.recorder.write_answers), default=0)
        begin_s = self.recorder.now_s()
        undo = (
            [inflict(kinds[0], hit, means)]
            if together
            else [
                inflict(kind, [node], means)
                for kind, node in zip(kinds, hit, strict=True)
            ]
        )
        rest = [node for node in network.serving if node not in hit]
        resumed_s: float | None = None
        if hit[0] is primary and rest and kinds[0] is not FaultKind.SLOW_DISK:
            wait_s = max(
                RESUMPTION_TIMEOUTS * plan.election_timeout_s, RESUMPTION_S_MIN
            )
            at_s = await clients.probe(rest, after=view, timeout_s=wait_s)
            if at_s is None:
                raise NotInTime(
                    f"writes did not resume in {wait_s:g} s after {kinds[0]} of "
                    f"{primary.name}, the primary"
                )
            resumed_s = at_s - begin_s
        await asyncio.sleep(max(0.0, hold_s - (self.recorder.now_s() - begin_s)))
        for heal in undo:
            heal()
        for node in rest:
            node.require_alive()
        for number, (kind, node) in enumerate(zip(kinds, hit, strict=True)):
            made = Inflicted(
                kind=kind,
                node=node.name,
                was_primary=node is primary,
                resumed_s=None if number else resumed_s,
            )
            self.faults.append(made)
            self.say(f"{self.recorder.now_s():6.1f} s  {describe(made)}")
        for kind, node in zip(kinds, hit, strict=True):
            if await means.has_ended(kind, node):
                await means.replace(node)

    def _choose(
        self, primary: NodeProcess, network: ProcessNetwork
    ) -> Sequence[NodeProcess]:
        """Choose the nodes to hit; the primary first if it is among them."""
        dice, plan = self.dice, self.plan
        backups = [node for node in network.serving if node is not primary]
        count = dice.randint(1, plan.at_once_max)
        dice.shuffle(backups)
        if dice.random() < plan.primary_share or not backups:
            return [primary, *backups[: count - 1]]
        return backups[:count]

    async def _progress(self, network: ProcessNetwork, clients: Clients) -> None:
        """Wait until a write is committed.

        Raises:
            NotInTime: no write is.
        """
        deadline_s = self.recorder.now_s() + PROGRESS_TIMEOUT_S
        while self.recorder.now_s() < deadline_s:
            primary = await network.primary(timeout_s=PROGRESS_TIMEOUT_S)
            if await clients.commits(primary):
                return
        raise NotInTime(f"no write committed in {PROGRESS_TIMEOUT_S:g} s")

    async def _settle(self, network: ProcessNetwork, clients: Clients) -> None:
        """Wait until all nodes have everything and every write's fate is known."""
        for node in network.serving:
            await network.wait_joined(node)
        await self._progress(network, clients)
        deadline_s = self.recorder.now_s() + PROGRESS_TIMEOUT_S
        while self.recorder.undecided and self.recorder.now_s() < deadline_s:
            await clients.decide_all([await network.primary()])
        await clients.decide_all(network.serving)
        if self.witnesses is not None:
            await self.witnesses.settle(timeout_s=PROGRESS_TIMEOUT_S)

    async def _watch(self, network: ProcessNetwork, is_over: asyncio.Event) -> None:
        """Read entries while they are there: a rollback removes some."""
        while not is_over.is_set():
            await asyncio.to_thread(watch_entries, network.alive, self.ivs)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), WATCH_S)


def describe(fault: Inflicted) -> str:
    """Describe a fault in a few words."""
    role = "the primary" if fault.was_primary else "a backup"
    text = f"{fault.kind} of {fault.node}, {role}"
    if fault.resumed_s is not None:
        text += f": writes resumed after {fault.resumed_s:.2f} s"
    return text


def run_faults(plan: Plan, say: Callable[[str], None]) -> Report:
    """Run a plan; see ``Run.perform``."""
    plan.workspace.mkdir(parents=True, exist_ok=True)
    dice = random.Random(plan.seed)  # noqa: S311  # repeats by its seed
    try:
        return asyncio.run(Run(plan=plan, say=say, dice=dice).perform())
    except* CcfpyError as errors:
        raise first_of(errors) from errors


def first_of(errors: BaseExceptionGroup[BaseException]) -> CcfpyError:
    """Return the first error of a group, at whatever depth."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, CcfpyError), error
    return error
