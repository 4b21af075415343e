"""How much host and enclave say at once, and how long each stays awake for more."""

from typing import Final

EVENTS_TOGETHER_MAX: Final = 32
"""Events that a host sends without waiting for the rest of a turn of its loop, and that
one step of an enclave takes. Of what a hundred clients ask at once, the enclave serves
one part while the host reads the next, and while clients read the answers of the last.
A thousand handshakes at once are a second of work: of these too the first are answered
first. Smaller parts fetch the code of a step into the processor's caches more often."""

WATCH_NS: Final = 200_000
"""How long a side that has heard often looks for more before it sleeps. Either side
needs 20 to 60 µs to wake a thread that sleeps on another processor, where a read takes
the enclave 10. Other processes that want the processor get it meanwhile."""

WATCHED_EVENTS_MAX: Final = 16
"""The most events at once after which a side looks for more. Where more come at once,
there are many clients: the next requests gather while a side sleeps, and a side that
stays awake takes the processor from these clients."""
