"""One run: a beginning, chaos, and a recovery. All from one seed.

Seeds come in families. The seeds of a family run in order and learn from one another
where to begin (`tests.lab.cluster.novelty`). To repeat one seed, its family is run up
to it.
"""

from collections.abc import Sequence
from random import Random

from tests.lab.cluster.consensus import membership
from tests.lab.cluster.consensus.chaos import Chaos
from tests.lab.cluster.consensus.openings import OPENINGS, lines_of
from tests.lab.cluster.consensus.stage import Stage, Words, name_of, shape
from tests.lab.cluster.novelty import Corpus
from tests.lab.cluster.outcome import Outcome
from tests.lab.invariants import Violated
from tests.lab.scenario import ScenarioFailed

FAMILY_SEEDS = 16
FROM_ENTRY, AT_OPENINGS = 0.3, 0.4
"""The share of runs that begin where another run was, and of the rest at an opening."""
KEPT_LINES_MAX = 150
"""The longest way that is kept: a run that is far along has little left to try."""
IN_SYNC = 0.9
"""The share of services that have settled before chaos begins."""
CHAOS_STEPS_MIN = 200
CHAOS_STEPS_MAX = 400


class Family:
    """Seeds that learn from one another; they must run in order.

    Attributes:
        number: its seeds begin at ``number * FAMILY_SEEDS``.
        next_seed: the seed that runs next.
    """

    def __init__(self, number: int, *, nodes: int | None = None) -> None:
        self.number = number
        self._corpus: Corpus[Words] = Corpus()
        self.next_seed = number * FAMILY_SEEDS
        self._nodes = nodes

    @classmethod
    def up_to(cls, seed: int, *, nodes: int | None = None) -> "Family":
        """Return a family that has run every seed before one of its own."""
        family = cls(seed // FAMILY_SEEDS, nodes=nodes)
        while family.next_seed < seed:
            family.run()
        return family

    @property
    def is_complete(self) -> bool:
        """Whether every seed of the family has run."""
        return self.next_seed == (self.number + 1) * FAMILY_SEEDS

    def run(self) -> Outcome:
        """Run the next seed."""
        assert not self.is_complete, "a family has no more seeds than its own"
        seed = self.next_seed
        self.next_seed += 1
        return _Run(seed, self._corpus, self._nodes).outcome()


def run(seed: int, *, nodes: int | None = None) -> Outcome:
    """Run a seed, after those of its family that come before it."""
    return Family.up_to(seed, nodes=nodes).run()


class _Run:
    def __init__(self, seed: int, corpus: Corpus[Words], nodes: int | None) -> None:
        self.seed = seed
        self.corpus = corpus
        self.dice = Random(seed)  # noqa: S311 - a schedule, not a secret
        self.nodes = nodes or self.dice.choice((3, 3, 3, 4, 5))
        self.stage = Stage()
        self.shapes = 0

    def outcome(self) -> Outcome:
        failure, reason = None, ""
        try:
            self._begin()
            self._suffer()
            self._recover()
        except (Violated, AssertionError) as error:
            failure, reason = name_of(error), str(error)
        final = self.stage.invariants.safety.final
        return Outcome(
            seed=self.seed,
            lines=tuple(self.stage.lines),
            steps=self.stage.steps,
            shapes=self.shapes,
            leaders=len(self.stage.invariants.safety.leaders),
            commits=sum(entry.is_committable for entry in final),
            reconfigurations=sum(e.configuration is not None for e in final),
            trace_hash=self.stage.trace_hash,
            failure=failure,
            reason=reason,
        )

    def _begin(self) -> None:
        """Begin where another run of the family was, at an opening, or plainly."""
        entry = self.corpus.choose(self.dice) if self.dice.random() < FROM_ENTRY else ()
        if entry:
            self._follow(entry)
            return
        self._start_service()
        if self.dice.random() < AT_OPENINGS:
            self._follow(tuple(lines_of(self.dice.choice(OPENINGS))))

    def _start_service(self) -> None:
        stage, dice = self.stage, self.dice
        pre_votes = dice.choice(((False,), (False,), (True,), (False, True)))
        stage.do("pre_vote_enabled", "true" if dice.choice(pre_votes) else "false")
        stage.do("start_node", "0")
        stage.do("emit_signature", "2")
        names = [
            membership.add_node(stage, pre_votes=dice.choice(pre_votes))
            for _ in range(self.nodes - 1)
        ]
        stage.do("replicate_new_configuration", "2", "0", *names)
        if dice.random() < IN_SYNC:
            stage.do("loop_until_sync")

    def _follow(self, lines: Sequence[Words]) -> None:
        """Follow another run's steps, as far as they can be followed."""
        for words in lines:
            try:
                self.stage.do(*words)
            except ScenarioFailed:
                self.stage.lines.pop()

    def _suffer(self) -> None:
        stage = self.stage
        chaos = Chaos(stage, self.dice)
        end = stage.steps + self.dice.randint(CHAOS_STEPS_MIN, CHAOS_STEPS_MAX)
        # An act may do nothing where there is nothing to do: acts are bounded too.
        for _ in range(4 * CHAOS_STEPS_MAX):
            if stage.steps >= end:
                return
            chaos.act()
            if stage.has_turned:
                stage.has_turned = False
                if self.corpus.note(shape(stage)):
                    self.shapes += 1
                    if len(stage.lines) <= KEPT_LINES_MAX:
                        self.corpus.keep(stage.lines)

    def _recover(self) -> None:
        membership.dismiss(self.stage)
        self.stage.do("assert_progress")
