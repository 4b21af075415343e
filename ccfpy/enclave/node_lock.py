"""The lock that says which thread has the node."""

from collections import deque
from threading import Lock


class NodeLock:
    """A lock that threads get in the order in which they ask for it.

    A thread that gives the lock back and asks again comes after all that wait. Any
    thread may give it back, so that one can pass the lock on to another.
    """

    def __init__(self) -> None:
        self._state = Lock()
        self._is_held = False
        self._waiting: deque[Lock] = deque()

    def acquire(self) -> None:
        """Wait for the lock."""
        with self._state:
            if not self._is_held:
                self._is_held = True
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def release(self) -> None:
        """Pass the lock on to the thread that has waited longest, if one waits."""
        with self._state:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False
