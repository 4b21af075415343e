"""Events on their way to the enclave: what one turn of the event loop says together."""

from collections.abc import Callable

from ccfpy.boundary.events import Event
from ccfpy.boundary.pace import EVENTS_TOGETHER_MAX
from ccfpy.host.ticker import Ticker
from ccfpy.host.watching import Watch


class Gathering:
    """Gathers the events of a turn, and sends them in parts when they are many.

    A part begins with a ``Tick`` if the millisecond changed.

    Args:
        soon: has the loop call a function after this turn.
        ticker: the clock.
        send: sends events to the enclave.
        in_parts: whether there may be parts. There may be none where the enclave
            answers while it is spoken to: the code that posts an event is not done yet.
    """

    def __init__(
        self,
        soon: Callable[[Callable[[], None]], None],
        ticker: Ticker,
        send: Callable[[list[Event]], None],
        *,
        in_parts: bool,
    ) -> None:
        self._soon = soon
        self._ticker = ticker
        self._send = send
        self._in_parts = in_parts
        self._watch = Watch(soon)
        self._events: list[Event] = []

    @property
    def is_empty(self) -> bool:
        """Whether no event waits for the end of the turn."""
        return not self._events

    def post(self, event: Event) -> None:
        """Send an event to the enclave, together with others of this turn."""
        events = self._events
        if not events:
            self._soon(self._flush)
        events.append(event)
        if len(events) == EVENTS_TOGETHER_MAX - 1 and self._in_parts:  # and the time
            self._flush()

    def _flush(self) -> None:
        events, self._events = self._events, []
        if not events:
            return
        tick = self._ticker.if_moved()
        self._send([tick, *events] if tick is not None else events)
        self._watch.sent(events)
