"""Etcd's keys without a node, a plain model of them, and a service that serves them."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from apps import etcd
from apps.etcd.messages import (
    Compare,
    CompareTarget,
    KeyValue,
    RequestOp,
    TxnRequest,
)
from apps.etcd.store import ALL, Store
from ccfpy.base.json import Json, JsonObject
from ccfpy.kv.store import Store as Tables
from ccfpy.testing.apps import Answer, Caller, Service

T = TypeVar("T")


class Keys:
    """Tables on which calls run one after another, each in its transaction."""

    def __init__(self) -> None:
        self.tables = Tables(0)

    def run(self, act: Callable[[Store], T]) -> T:
        """Run a call; if the call is refused, nothing is left of it."""
        tx = self.tables.begin()
        done = act(Store(tx))
        self.tables.commit(tx)
        return done

    def read(self, act: Callable[[Store], T]) -> T:
        """Run a call that writes nothing."""
        return act(Store(self.tables.begin(read_only=True)))


# The model


def is_within(key: bytes, first: bytes, end: bytes) -> bool:
    """Return whether a key is in a range."""
    if end == b"":
        return key == first
    if end == ALL:
        return key >= first
    return first <= key < end


@dataclass
class Model:
    """Every revision as a dictionary of its own."""

    states: list[dict[bytes, KeyValue]] = field(default_factory=lambda: [{}, {}])
    changes: int = 0
    """How many changes the call has made that is run."""

    @property
    def revision(self) -> int:
        return len(self.states) - 1

    @property
    def now(self) -> dict[bytes, KeyValue]:
        return self.states[-1]

    def range(self, first: bytes, end: bytes, revision: int = 0) -> list[KeyValue]:
        state = self.states[revision or self.revision]
        return [state[key] for key in sorted(state) if is_within(key, first, end)]

    def put(self, key: bytes, value: bytes) -> None:
        self._end(self._put(dict(self.now), key, value))

    def delete(self, first: bytes, end: bytes) -> int:
        state = dict(self.now)
        deleted = self._delete(state, first, end)
        self._end(state)
        return deleted

    def txn(self, request: TxnRequest) -> tuple[bool, list[Any]]:
        """Run a transaction; each result is what the request found or changed."""
        state = dict(self.now)
        done = self._txn(state, request)
        self._end(state)
        return done

    def _end(self, state: dict[bytes, KeyValue]) -> None:
        if self.changes:
            self.states.append(state)
        self.changes = 0

    def _put(
        self, state: dict[bytes, KeyValue], key: bytes, value: bytes
    ) -> dict[bytes, KeyValue]:
        self.changes += 1
        next_ = self.revision + 1
        new = KeyValue(key=key, create_revision=next_, version=0)
        state[key] = replace(
            state.get(key, new),
            value=value,
            mod_revision=next_,
            version=state.get(key, new).version + 1,
        )
        return state

    def _delete(self, state: dict[bytes, KeyValue], first: bytes, end: bytes) -> int:
        gone = [key for key in state if is_within(key, first, end)]
        for key in gone:
            del state[key]
        self.changes += len(gone)
        return len(gone)

    def _txn(
        self, state: dict[bytes, KeyValue], request: TxnRequest
    ) -> tuple[bool, list[Any]]:
        succeeded = all(self._holds(each) for each in request.compare)
        ops = request.success if succeeded else request.failure
        return succeeded, [self._op(state, op) for op in ops]

    def _op(self, state: dict[bytes, KeyValue], op: RequestOp) -> object:
        if op.request_put is not None:
            self._put(state, op.request_put.key, op.request_put.value)
            return None
        if op.request_delete_range is not None:
            asked = op.request_delete_range
            return self._delete(state, asked.key, asked.range_end)
        if op.request_range is not None:
            asked_range = op.request_range
            return [
                state[key]
                for key in sorted(state)
                if is_within(key, asked_range.key, asked_range.range_end)
            ]
        assert op.request_txn is not None
        return self._txn(state, op.request_txn)

    def _holds(self, compare: Compare) -> bool:
        found = self.range(compare.key, compare.range_end)
        if not found and compare.target == CompareTarget.VALUE:
            return False
        return all(_compares(compare, kv) for kv in found or [KeyValue()])


def _compares(compare: Compare, kv: KeyValue) -> bool:
    pairs: list[tuple[Any, Any]] = [
        (kv.version, compare.version or 0),
        (kv.create_revision, compare.create_revision or 0),
        (kv.mod_revision, compare.mod_revision or 0),
        (kv.value, compare.value or b""),
        (kv.lease, compare.lease or 0),
    ]
    has, wanted = pairs[compare.target]
    outcomes: Sequence[bool] = (
        has == wanted,
        has > wanted,
        has < wanted,
        has != wanted,
    )
    return outcomes[compare.result]


# The service


def b64(content: bytes) -> str:
    """Write bytes as the gateway does."""
    return base64.b64encode(content).decode()


@dataclass
class Etcd:
    """A service, and a user of it."""

    service: Service
    user: Caller

    @classmethod
    def open(cls, nodes: int = 1) -> "Etcd":
        service = Service.open(etcd.app, nodes=nodes)
        return cls(service=service, user=service.user())

    def post(self, path: str, body: Json | bytes, **headers: str) -> Answer:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.user.post(f"/v3/{path}", body, headers=named)

    def ask(self, path: str, **body: Json) -> JsonObject:
        """Return what a call answers, which must be served."""
        answer = self.post(path, body)
        assert answer.status == 200, answer
        return answer.object()

    def refused(self, path: str, **body: Json) -> tuple[int, int, str]:
        """Return the status, the code and the text of a refusal."""
        answer = self.post(path, body)
        told = answer.object()
        assert told["error"] == told["message"]
        code, text = told["code"], told["message"]
        assert isinstance(code, int)
        assert isinstance(text, str)
        return answer.status, code, text

    def put(self, key: bytes, value: bytes, **more: Json) -> JsonObject:
        return self.ask("kv/put", key=b64(key), value=b64(value), **more)

    def value_of(self, key: bytes) -> bytes | None:
        kvs = self.ask("kv/range", key=b64(key)).get("kvs")
        if kvs is None:
            return None
        assert isinstance(kvs, list)
        (kv,) = kvs
        assert isinstance(kv, dict)
        return base64.b64decode(str(kv.get("value", "")))
