"""The language: one command a line, arguments after commas, ``#`` begins a comment.

Words are CCF's, so that its own scenarios run (``src/consensus/aft/test/driver.cpp``).
A line that begins with ``====`` ends the file. After each command that may change
something, the invariants are checked; after the last command the cluster must come
to agree. `commands` is the dictionary. Seven words are our own, for what CCF's language
cannot say: ``flush``, ``drop_single``, ``postpone``, ``crash``, ``assert_progress``,
``create_from_snapshot``, ``dispatch_damaged``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tests.lab.invariants import Violated
from tests.lab.invariants.consensus import Consensus
from tests.lab.scenario import assertions, reports, steps
from tests.lab.scenario.checks import check_commit_safety
from tests.lab.scenario.cluster import Cluster
from tests.lab.scenario.errors import ScenarioFailed
from tests.lab.scenario.trace import Say, Trace

END = "===="
FAILURES = (ScenarioFailed, Violated, AssertionError)
"""How a command fails: by itself, by an invariant, or by an assertion of consensus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One line with something to do."""

    line: int
    text: str

    @property
    def words(self) -> list[str]:
        """The command's name and its arguments."""
        return self.text.split(",")


def parse(text: str) -> Iterator[Command]:
    """Read a scenario."""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.partition("#")[0].rstrip()
        if stripped.startswith(END):
            return
        if stripped:
            yield Command(line=number, text=stripped)


Action: TypeAlias = Callable[[Cluster, list[str]], None]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a command does, and how many arguments it takes."""

    action: Action
    least: int
    most: int | None
    is_question: bool = False


def _step(action: Action, least: int, most: int | None = -1) -> Meaning:
    return Meaning(action, least, least if most == -1 else most)


def _question(action: Action, least: int, most: int | None = -1) -> Meaning:
    return Meaning(action, least, least if most == -1 else most, is_question=True)


def commands(say: Say) -> dict[str, Meaning]:
    """Return the dictionary of commands, with reports going to ``say``."""
    report = reports.Reports(say)
    return {
        "pre_vote_enabled": _step(steps.pre_vote_enabled, 1),
        "start_node": _step(steps.start_node, 1),
        "trust_node": _step(steps.trust_nodes, 2),
        "trust_nodes": _step(steps.trust_nodes, 2, None),
        "swap_node": _step(steps.swap_node, 3),
        "swap_nodes": _step(steps.swap_nodes, 3, None),
        "cleanup_nodes": _step(steps.cleanup_nodes, 2, None),
        "nodes": _step(steps.nodes, 1, None),
        "create_new_node": _step(steps.create_new_node, 1),
        "create_from_snapshot": _step(steps.create_from_snapshot, 2),
        "replicate_new_configuration": _step(steps.new_configuration, 2, None),
        "replicate": _step(steps.replicate, 2),
        "emit_signature": _step(steps.emit_signature, 1),
        "periodic_one": _step(steps.periodic_one, 2),
        "periodic_all": _step(steps.periodic_all, 1),
        "dispatch_one": _step(steps.dispatch_one, 1),
        "dispatch_all": _step(steps.dispatch_all, 0),
        "dispatch_all_once": _step(steps.dispatch_all_once, 0),
        "dispatch_single": _step(steps.dispatch_single, 2),
        "dispatch_damaged": _step(steps.dispatch_damaged, 3),
        "shuffle_one": _step(steps.shuffle_one, 1),
        "shuffle_all": _step(steps.shuffle_all, 0),
        "connect": _step(steps.connect, 2),
        "reconnect": _step(steps.connect, 2),
        "reconnect_node": _step(steps.reconnect_node, 1),
        "disconnect": _step(steps.disconnect, 2),
        "disconnect_node": _step(steps.disconnect_node, 1),
        "drop_pending": _step(steps.drop_pending, 1),
        "drop_pending_to": _step(steps.drop_pending_to, 2),
        "flush": _step(steps.flush, 1),
        "drop_single": _step(steps.drop_single, 2),
        "postpone": _step(steps.postpone, 2),
        "crash": _step(steps.crash, 1),
        "assert_progress": _step(assertions.assert_progress, 0),
        "loop_until_sync": _step(loop_until_sync, 0),
        "assert_detail": _step(assertions.assert_detail, 3),
        "assert_!detail": _step(assertions.assert_not_detail, 3),
        "assert_commit_safety": _step(assertions.assert_commit_safety, 1),
        "assert_config": _step(assertions.assert_config, 2, None),
        "assert_absent_config": _step(assertions.assert_absent_config, 2),
        "assert_commit_idx": _question(assertions.assert_commit_idx, 2),
        "assert_state_sync": _question(assertions.assert_state_sync, 0),
        "state_one": _question(report.state_one, 1),
        "state_all": _question(report.state_all, 0),
        "summarise_log": _question(report.log_one, 1),
        "summarise_logs_all": _question(report.log_all, 0),
        "summarise_messages": _step(report.messages, 2),
    }


def loop_until_sync(cluster: Cluster, _: list[str]) -> None:
    """Heal every wire; the cluster must come to agree."""
    assertions.loop_until_sync(cluster)


def run(
    text: str, *, seed: int = 0, say: Say | None = None, trace: Say | None = None
) -> None:
    """Run a scenario.

    Args:
        text: the scenario.
        seed: decides every election timer.
        say: takes the lines of reports.
        trace: takes the lines of a trace.

    Raises:
        ScenarioFailed: the scenario does not hold; the message has the line's number.
    """
    tracing = None if trace is None else Trace(trace)
    cluster = Cluster(seed=seed, trace=tracing, watch=Consensus().check)
    dictionary = commands(say or (lambda _: None))
    for command in parse(text):
        if tracing is not None:
            tracing.command(command.text)
        try:
            _follow(cluster, dictionary, command)
        except FAILURES as error:
            raise ScenarioFailed(
                f"line {command.line}: {command.text}: {error}"
            ) from error
    try:
        loop_until_sync(cluster, [])
        _check(cluster)
    except FAILURES as error:
        raise ScenarioFailed(f"after the last line: {error}") from error


def _follow(cluster: Cluster, dictionary: dict[str, Meaning], command: Command) -> None:
    name, *arguments = command.words
    meaning = dictionary.get(name)
    if meaning is None:
        raise ScenarioFailed("no such command")
    most = len(arguments) if meaning.most is None else meaning.most
    if not meaning.least <= len(arguments) <= most:
        raise ScenarioFailed(f"{len(arguments)} arguments, expected {meaning.least}")
    meaning.action(cluster, arguments)
    if not meaning.is_question:
        _check(cluster)


def _check(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        check_commit_safety(cluster, node)
