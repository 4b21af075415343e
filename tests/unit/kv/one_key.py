"""Writing and reading one key of a store, each in a transaction of its own."""

from ccfpy.kv.changes import Committed
from ccfpy.kv.store import Store

M = "public:m"


def put(store: Store, key: bytes, value: bytes, name: str = M) -> Committed:
    tx = store.begin()
    tx.raw(name).put(key, value)
    committed = store.commit(tx)
    assert committed is not None
    return committed


def read(store: Store, key: bytes, name: str = M) -> bytes | None:
    return store.begin(read_only=True).raw(name).get(key)
