"""How much does governance cost: fifty proposals made, voted on and applied?

A whole node runs in this thread. A member proposes over COSE, each time on a new
connection as the tools do, and votes with a script. The constitution resolves and
applies the proposal. Only the node's CPU time is counted, not the members'.

Budget: 2 s for 50 rounds, with one member.
"""

import gc
import time
from collections.abc import Iterator, Sequence

from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from ccfpy.base.json import Json, loads_object
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.client.share import constitution
from ccfpy.enclave.application import load_application
from ccfpy.testing.node import InProcessNode, Person

BUDGET_S = 2.0
ROUNDS = 50
SIGN_EVERY_MS = 100


class MeteredNode(InProcessNode):
    """A node in this process that adds up the cost of its steps.

    Attributes:
        spent_ns: the CPU time of this thread within steps so far.
    """

    spent_ns = 0

    def step(self, *events: Event) -> list[Effect]:
        started = time.thread_time_ns()
        try:
            return super().step(*events)
        finally:
            self.spent_ns += time.thread_time_ns() - started


def opened_node(members: Sequence[Person]) -> MeteredNode:
    node = MeteredNode(
        load_application("logging"),
        constitution="\n".join(
            script.read_text() for script in constitution("default")
        ),
        members=members,
    )
    node.open_service()
    return node


def spent_s(node: MeteredNode, users: Sequence[Person]) -> float:
    """Return the seconds the node spent on adding users, each by a proposal."""
    before = node.spent_ns
    for user in users:
        action: Json = {"name": "set_user", "args": {"cert": user.certificate.pem}}
        decided = node.propose(action)
        state = loads_object(decided.body).get("proposalState")
        assert state == "Accepted", decided.body
        node.advance(SIGN_EVERY_MS)
    return (node.spent_ns - before) / 1e9


def measure(settings: Settings) -> Iterator[Figure]:
    users = [Person.make(f"user{number}") for number in range(ROUNDS)]
    for count in (3, 1):
        runs = []
        for _ in range(settings.repeats or settings.pick(3, 1)):
            people = [
                Person.make(f"member{number}", can_recover=True)
                for number in range(count)
            ]
            node = opened_node(people)
            gc.collect()
            runs.append(spent_s(node, users))
        yield Figure(
            name=f"{ROUNDS} rounds with {count} member{'s' if count > 1 else ''}, CPU",
            unit="s",
            values=tuple(runs),
            budget=BUDGET_S if count == 1 else None,
            scales=True,
        )


QUESTION = Question(
    slug="governance",
    text=f"What does governance cost, {ROUNDS} proposals decided and put into effect?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
