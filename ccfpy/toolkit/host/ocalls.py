"""What an enclave waits for from its host, and what the host calls meanwhile."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar


class Ocalls:
    """What the enclave has asked and not been answered, and the calls within that.

    An answer waits until those within have theirs: the enclave takes it as broken faith
    if it comes before, whichever task of the host has lost patience.
    """

    def __init__(self, say: Callable[[object], None]) -> None:
        self._say = say
        self._inner: dict[int, int] = {}
        self._due: dict[int, object] = {}
        self._of: dict[int, int] = {}
        # Which of them is being served where this is read; of this enclave alone.
        self._within: ContextVar[int] = ContextVar("within", default=0)

    @property
    def current(self) -> int:
        """The ocall that is being served here and now; 0 for none."""
        within = self._within.get()
        return within if within in self._inner and within not in self._due else 0

    def begin(self, ocall: int) -> None:
        """Note that the enclave makes an ocall."""
        self._inner[ocall] = 0

    @contextlib.contextmanager
    def serving(self, ocall: int) -> Iterator[None]:
        """Count what is called from here as within an ocall."""
        before = self._within.set(ocall)
        try:
            yield
        finally:
            self._within.reset(before)

    def call(self, number: int, of: int) -> None:
        """Note a call that the host makes within an ocall."""
        if of:
            self._of[number] = of
            self._inner[of] += 1

    def answered(self, call: int) -> None:
        """Note that the enclave has answered a call."""
        of = self._of.pop(call, 0)
        if of:
            self._inner[of] -= 1
            if of in self._due and not self._inner[of]:
                self.end(of, self._due.pop(of))

    def end(self, ocall: int, answer: object) -> None:
        """Answer the enclave, once it has answered what is within."""
        if self._inner.get(ocall):
            self._due[ocall] = answer
            return
        self._inner.pop(ocall, None)
        self._say(answer)
