"""One node of PySyncObj, and on its leader the callers, in the same process.

    pysyncobj_node.py ADDRESS [PARTNER...]

The program does not import ccfpy: it runs where PySyncObj is installed. It prints
``leader`` or ``follower`` when the nodes are one cluster. A leader then reads lines
with a number of callers and a number of seconds. For each line, the callers put 100
bytes, one put after another each, and the leader answers with a line of JSON: puts and
seconds.
"""

import json
import sys
import threading
import time

from pysyncobj import (  # type: ignore[import-not-found]  # it is not in ours
    SyncObj,
    SyncObjConf,
    replicated,
)

POLL_S = 0.02
TOLD_S = 1
"""The pause after an election, so that the other nodes also learn of the new leader."""
VALUE = "x" * 100


class Store(SyncObj):  # type: ignore[misc]  # it has no types
    """Keys and values."""

    def __init__(self, address: str, partners: list[str]) -> None:
        super().__init__(address, partners, SyncObjConf())
        self._values: dict[str, str] = {}

    @replicated  # type: ignore[untyped-decorator]  # likewise
    def put(self, key: str, value: str) -> None:
        """Set a key."""
        self._values[key] = value


class Load:
    """Callers whose next put begins when the last one has been applied."""

    def __init__(self, store: Store, until: float) -> None:
        self._store = store
        self._until = until
        self._waiting = 0
        self._counted = threading.Lock()
        self.puts = 0
        self.is_over = threading.Event()

    def begin(self, callers: int) -> None:
        self._waiting = callers
        for _ in range(callers):
            self._put()

    def _put(self) -> None:
        self._store.put("key", VALUE, callback=self._done)

    def _done(self, _result: object, error: int) -> None:
        if error:
            sys.exit(f"a put failed: {error}")
        with self._counted:
            self.puts += 1
            if is_over := time.monotonic() >= self._until:
                self._waiting -= 1
                if self._waiting == 0:
                    self.is_over.set()
        if not is_over:
            self._put()


def main() -> None:
    address, *partners = sys.argv[1:]
    store = Store(address, partners)
    while not store.isReady() or store._getLeader() is None:  # noqa: SLF001 - no other way
        time.sleep(POLL_S)
    time.sleep(TOLD_S)
    is_leader = str(store._getLeader()) == address  # noqa: SLF001 - likewise
    print("leader" if is_leader else "follower", flush=True)
    for line in sys.stdin:
        callers, seconds = line.split()
        started = time.monotonic()
        load = Load(store, started + float(seconds))
        load.begin(int(callers))
        load.is_over.wait()
        result = {"puts": load.puts, "seconds": time.monotonic() - started}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
