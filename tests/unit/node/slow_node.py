"""A node in the test's process, some of whose application's calls are slow."""

from collections.abc import Callable, Sequence

from ccfpy.base.app_threads import AppThreads
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.http.messages import Response
from ccfpy.testing.client import Client
from ccfpy.testing.node import InProcessNode
from tests.lab.slow_calls import SlowCall, SlowCalls


class SlowNode(InProcessNode):
    """A node and its host, and the threads of slow calls.

    Attributes:
        slow: which calls are slow.
        meanwhile: done while the call of a client that waits is away.
    """

    slow: SlowCalls
    meanwhile: Callable[[], None] | None = None

    def _threads(self) -> AppThreads:
        self.slow = SlowCalls()
        return self.slow

    def _step_trusted(self, events: Sequence[Event]) -> Sequence[Effect]:
        return self.slow.step(self.trusted, events)

    def settle(self) -> None:
        """Do what is to be done meanwhile, then let slow calls end."""
        if self.meanwhile is not None and self.slow.away:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
            while self.slow.away:
                self.run_on(self.slow.away[0])

    def begin_slowly(
        self, client: Client, plaintext: bytes, *, stops: int = 1
    ) -> tuple[SlowCall, list[Response]]:
        """Send bytes whose first request has a slow handler.

        Returns:
            The call, and the answers that came nevertheless.
        """
        self.slow.next_stops = stops
        answers = client.send(plaintext)
        return self.slow.away[-1], answers

    def run_on(self, call: SlowCall) -> None:
        """Run a slow call to its next stop or its end."""
        self.perform(self.slow.run_on(call))
        self.step()

    def give_up(self, call: SlowCall) -> None:
        """Answer the caller of a slow call."""
        self.perform(self.slow.give_up(self.trusted, call))
        self.step()
