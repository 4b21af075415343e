"""How many messages host and enclave send at once, and how long each polls for more."""

from typing import Final

EVENTS_TOGETHER_MAX: Final = 32
"""Maximum number of events that the host collects before it sends them, and that one
step of the enclave takes. When many clients send requests at once, the enclave serves
one batch while the host reads the next, and the clients read the responses of the last.
A thousand TLS handshakes at once take a second; with small batches the first clients
get their responses early. Even smaller batches would load the code of a step into the
processor's caches more often."""

WATCH_NS: Final = 200_000
"""How long a side that received messages recently polls before it sleeps, in ns. To
wake a thread that sleeps on another processor takes 20 to 60 µs, while the enclave
answers a read in 10 µs. Polling yields the processor to other processes."""

WATCHED_EVENTS_MAX: Final = 16
"""Maximum size of a batch after which a side polls for more, in events. Larger batches
mean many clients: then the next requests collect while the side sleeps, and polling
would take the processor from these clients."""
