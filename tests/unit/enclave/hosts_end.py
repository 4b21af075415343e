"""The host's end of an enclave's channel, for tests that wait for what it says."""

import os
import select

from ccfpy.host.enclave_process import pipe_pair

DEADLINE_S = 20.0


class HostsEnd:
    """Both pipes; ``theirs`` is the enclave's end, until somebody closes it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pipe_pair()
        self._is_open = True

    def say(self, data: bytes) -> None:
        """Write all of it."""
        while data:
            data = data[os.write(self._ours.writing, data) :]

    def hear(self) -> bytes:
        """Wait for what is said; nothing once the enclave is gone."""
        readable, _, _ = select.select([self._ours.reading], [], [], DEADLINE_S)
        assert readable, "waited in vain for the enclave"
        return os.read(self._ours.reading, 1 << 16)

    def close(self) -> None:
        """Hang up."""
        if self._is_open:
            self._is_open = False
            self._ours.close()
