"""Running attacks one after the other, and what each came to.

Before an attack the meters are read while the honest client is alone. Afterwards they
are read when the client has all its answers and memory had time to return. A service
that an attack has hurt is not used for the next.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.local.node import NodeProcess
from tests.lab.attacks.attack import Attack, Target
from tests.lab.attacks.bounds import (
    MEMORY_GROWTH_MAX,
    Honest,
    Measured,
    Spend,
    Toll,
    excesses,
)
from tests.lab.attacks.honest import Answer, summarise
from tests.lab.attacks.stage import Reading, Stage, staged
from tests.lab.attacks.wires import NoAnswer

ATTACK_TIMEOUT_S = 120.0
ATTACKER_NICENESS = 10
"""An attacker has machines of its own; here it must leave time to the honest client."""
ALONE_S = 2.0
"""How long the honest client is alone before an attack; in the short form half as
long."""
SAMPLE_S = 0.1
MEMORY_RETURN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An attack and what it came to.

    Attributes:
        excesses: the bounds that it broke, each in a sentence.
    """

    attack: Attack
    measured: Measured
    excesses: Sequence[str]

    @property
    def is_within(self) -> bool:
        """Return whether every bound held."""
        return not self.excesses


async def run_attacks(
    attacks: Sequence[Attack],
    workspace: Path,
    *,
    is_quick: bool,
    say: Callable[[str], None],
) -> AsyncGenerator[Outcome]:
    """Run attacks; yield each outcome as it is known.

    Args:
        attacks: in order.
        workspace: where services keep their files; each has a folder there.
        is_quick: whether with less load.
        say: called with what is being done.

    Raises:
        CcfpyError: a service does not come up.
    """
    async with AsyncExitStack() as standing:
        stage: Stage | None = None
        for number, attack in enumerate(attacks):
            if stage is not None and stage.app is not attack.app:
                await standing.aclose()
                stage = None
            if stage is None:
                say("starting a service")
                folder = workspace / f"service{number}"
                stage = await standing.enter_async_context(staged(folder, attack.app))
            say(f"{attack.name}: {attack.about}")
            place = workspace / attack.name
            place.mkdir(parents=True, exist_ok=True)
            target = stage.target(place, is_quick=is_quick)
            measured = await measure(attack, stage, target)
            found = [*excesses(measured)]
            if attack.is_last:
                found += await asyncio.to_thread(_stop, target.primary)
            outcome = Outcome(attack=attack, measured=measured, excesses=found)
            yield outcome
            if attack.is_last or not outcome.is_within:
                await standing.aclose()
                stage = None


def _stop(node: NodeProcess) -> Sequence[str]:
    """Stop a node; return what went wrong with that."""
    node.stop()
    code = node.exit_code()
    return [f"{node.name} was stopped, and ended with {code}"] if code else []


async def measure(attack: Attack, stage: Stage, target: Target) -> Measured:
    """Attack a service and read the meters before, meanwhile and afterwards."""
    first = await stage.read()
    await asyncio.sleep(ALONE_S / 2 if target.is_quick else ALONE_S)
    before = await stage.read()
    spend = Spend()
    done = asyncio.Event()
    peaks = [before.memory_bytes]
    async with asyncio.TaskGroup() as group:
        group.create_task(_watch_memory(stage, peaks, done))
        try:
            breaches = await asyncio.to_thread(_perform, attack, target, spend)
        finally:
            done.set()
    end_s = time.monotonic()
    is_answered = await stage.catch_up(after_s=end_s)
    memory_bytes = await _returned_memory(stage, before.memory_bytes)
    after = await stage.read()
    answers = stage.answers()
    return Measured(
        seconds=end_s - before.at_s,
        spend=spend,
        toll=Toll(
            cpu_s=after.cpu_s - before.cpu_s,
            memory_before_bytes=before.memory_bytes,
            memory_peak_bytes=max(peaks),
            memory_after_bytes=memory_bytes,
            disk_bytes=after.disk_bytes - before.disk_bytes,
            disk_honest_bytes=honest_disk_bytes(first, before, after, answers),
            elections=elections(before.view, after.view),
            nodes_lost=stage.lost,
        ),
        honest=_honest(answers, before.at_s, end_s, is_answered=is_answered),
        alone=summarise(answers, begin_s=first.at_s, end_s=before.at_s),
        breaches=breaches,
        bounds=attack.bounds.when_crowded() if target.is_quick else attack.bounds,
    )


def _perform(attack: Attack, target: Target, spend: Spend) -> Sequence[str]:
    """Attack in this thread, at a low priority."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ATTACKER_NICENESS)
    begin_s = time.thread_time()

    async def perform() -> Sequence[str]:
        async with asyncio.timeout(ATTACK_TIMEOUT_S):
            return await attack.perform(target, spend)

    try:
        return asyncio.run(perform())
    except TimeoutError:
        return [f"the attack did not end in {ATTACK_TIMEOUT_S:g} s"]
    except (CcfpyError, NoAnswer) as error:
        return [f"the service does not answer honest questions: {error}"]
    finally:
        spend.cpu_s = time.thread_time() - begin_s


async def _watch_memory(stage: Stage, peaks: list[int], done: asyncio.Event) -> None:
    while not done.is_set():
        peaks.append(stage.memory_bytes)
        await asyncio.sleep(SAMPLE_S)


async def _returned_memory(stage: Stage, before_bytes: int) -> int:
    """Return what memory came back to, after some time."""
    deadline_s = time.monotonic() + MEMORY_RETURN_S
    while True:
        now_bytes = stage.memory_bytes
        is_back = now_bytes <= (1 + MEMORY_GROWTH_MAX) * before_bytes
        if is_back or time.monotonic() > deadline_s:
            return now_bytes
        await asyncio.sleep(SAMPLE_S)


def honest_disk_bytes(
    first: Reading, before: Reading, after: Reading, answers: Sequence[Answer]
) -> int:
    """Return how much of the ledger the honest client's writes account for.

    Args:
        first: when the honest client was alone.
        before: when the attack began.
        after: when it was over.
        answers: what the honest client sent.
    """
    alone = written_between(answers, first.at_s, before.at_s)
    meanwhile = written_between(answers, before.at_s, after.at_s)
    per_write = (before.disk_bytes - first.disk_bytes) / max(1, alone)
    return int(per_write * meanwhile)


def elections(before: int | None, after: int | None) -> int:
    """Return how many views began; one, if no node answers."""
    if before is None or after is None:
        return 1
    return after - before


def written_between(answers: Sequence[Answer], begin_s: float, end_s: float) -> int:
    """Return how many writes of the honest client were sent between two times."""
    return sum(
        answer.kind == "write" and begin_s <= answer.at_s <= end_s for answer in answers
    )


def _honest(
    answers: Sequence[Answer], begin_s: float, end_s: float, *, is_answered: bool
) -> Honest:
    found = summarise(answers, begin_s=begin_s, end_s=end_s)
    if is_answered:
        return found
    return Honest(
        answers=found.answers,
        failures=[*found.failures, "a request is still not answered"],
        p99_s=found.p99_s,
        worst_s=max(found.worst_s, time.monotonic() - end_s),
    )
