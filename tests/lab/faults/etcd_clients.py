"""Clients of the sample app for etcd, which append to objects by transactions.

A client reads an object and then replaces it, if its revision is still the one that the
client has read. Etcd answers what is final, so each answer is also a status.
"""

import base64
import json
import random
from collections.abc import Mapping
from typing import Any

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.errors import ClientError, UnexpectedReply
from ccfpy.consensus.status import TxStatus
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.history import Op
from tests.lab.consistency.last_reads import LAST, LAST_HERE
from tests.lab.consistency.linearizable import NOT_EQUAL, SERIALIZABLE
from tests.lab.consistency.watched import Kept
from tests.lab.faults.app import KEPT
from tests.lab.faults.clients import KINDS, WRITES_PER_OBJECT, Clients
from tests.lab.faults.recorder import Recorder

SERIALIZABLE_SHARE = 0.3
"""How many reads ask for less than the latest."""


class EtcdClients(Clients):
    """Clients that write and read by etcd's calls, in JSON.

    Attributes:
        writes: the key and the value of each write that was answered, by its revision.
    """

    def __init__(
        self,
        network: ProcessNetwork,
        recorder: Recorder,
        *,
        user: str,
        pause_s: float,
        dice: random.Random,
    ) -> None:
        super().__init__(network, recorder, user=user, pause_s=pause_s, dice=dice)
        self.writes: dict[int, tuple[str, str]] = {}

    async def request(
        self, client: str, node: NodeProcess, *, is_write: bool, dice: random.Random
    ) -> bool:
        """Read once, and then write if asked to; return whether all succeeded."""
        if is_write and client == "probe":  # many at once, of which none may lose
            name = f"counter/probe{self._objects['counter']}"
            self._objects["counter"] += 1
            return await self._write(client, node, name, (0, 0, ()))
        kind = dice.choice(KINDS)
        name = f"{kind}/{self._objects[kind] // WRITES_PER_OBJECT}"
        is_serializable = dice.random() < SERIALIZABLE_SHARE
        found = await self._read(client, node, name, is_serializable=is_serializable)
        if found is None or not is_write:
            return found is not None
        done = await self._write(client, node, name, found)
        self._objects[kind] += done
        return done

    async def _read(
        self, client: str, node: NodeProcess, name: str, *, is_serializable: bool
    ) -> tuple[int, int, tuple[Op, ...]] | None:
        """Read an object: its revision, its count and its latest writes."""
        recorder = self._recorder
        reader = f"{client} {SERIALIZABLE}" if is_serializable else client
        op = recorder.sent(client=reader, node=node.name, key=name, is_write=False)
        request: JsonObject = {"key": b64(name), "serializable": is_serializable}
        try:
            txid, told = await self.ask(client, node, "kv/range", request)
            found = object_of(told)
        except ClientError as error:
            recorder.given_up(op, str(error))
            return None
        _, count, tail = found
        recorder.answered(op, txid=txid, count=count, tail=tail)
        self._is_final(client, node, txid)
        return found

    async def _write(
        self,
        client: str,
        node: NodeProcess,
        name: str,
        found: tuple[int, int, tuple[Op, ...]],
    ) -> bool:
        """Append to an object if its revision is still the one that was found."""
        recorder = self._recorder
        revision, count, tail = found
        op = recorder.sent(client=client, node=node.name, key=name, is_write=True)
        shown = [*tail, op][-KEPT[name.partition("/")[0]] :]
        value = json.dumps({"count": count + 1, "tail": shown})
        compare: JsonObject = {
            "key": b64(name),
            "target": "MOD",
            "mod_revision": str(revision),
        }
        put: JsonObject = {"key": b64(name), "value": b64(value)}
        request: JsonObject = {"compare": [compare], "success": [{"request_put": put}]}
        try:
            txid, told = await self.ask(client, node, "kv/txn", request)
        except ClientError as error:
            recorder.given_up(op, str(error))
            return False
        if told.get("succeeded") is not True:
            recorder.given_up(op, NOT_EQUAL)
            self._is_final(client, node, txid)
            return False
        recorder.answered(op, txid=txid, count=count + 1, tail=tuple(shown))
        self.writes[revision_of(told)] = name, value
        self._is_final(client, node, txid)
        self._written.append(txid)
        return True

    async def put(
        self, client: str, node: NodeProcess, *, key: str, value: str, lease: int
    ) -> TxId:
        """Set a key that ends with a lease; return the transaction.

        Raises:
            ClientError: it is refused, or nobody knows.
        """
        request: JsonObject = {
            "key": b64(key),
            "value": b64(value),
            "lease": str(lease),
        }
        txid, told = await self.ask(client, node, "kv/put", request)
        self.writes[revision_of(told)] = key, value
        return txid

    async def read_last(
        self, node: NodeProcess, *, least: int = 0, is_serializable: bool = False
    ) -> tuple[int, Mapping[str, Kept]]:
        """Read all keys, as the last read of a node; return them and their revision.

        Args:
            node: that is asked.
            least: the revision that must be shown.
            is_serializable: whether the node answers what it has itself.

        Raises:
            ClientError: the node does not answer, or shows an earlier revision.
        """
        recorder, client = self._recorder, LAST_HERE if is_serializable else LAST
        ops = {
            key: recorder.sent(client=client, node=node.name, key=key, is_write=False)
            for key in recorder.written
        }
        everything: JsonObject = {
            "key": b64("\0"),
            "range_end": b64("\0"),
            "serializable": is_serializable,
        }
        try:
            txid, told = await self.ask(LAST, node, "kv/range", everything)
            revision, kvs = revision_of(told), told.get("kvs", [])
            if not isinstance(kvs, list) or revision < least:
                raise UnexpectedReply(f"not all at {least}: {str(told)[:200]}")
            kept = dict(map(_kept, kvs))
            objects = {key: _object(kept[key].value) for key in ops if key in kept}
        except ClientError as error:
            for op in ops.values():
                recorder.given_up(op, str(error))
            raise
        for key, op in ops.items():
            count, tail = objects.get(key, (0, ()))
            recorder.answered(op, txid=txid, count=count, tail=tail)
        self._is_final(LAST, node, txid)
        return revision, kept

    async def ask(
        self, client: str, node: NodeProcess, call: str, request: Json
    ) -> tuple[TxId, JsonObject]:
        """Make a call; return its transaction and its answer.

        Raises:
            ClientError: it is refused, or nobody knows.
        """
        connection = await self._connection(client, node)
        reply = await connection.post(f"/v3/{call}", request)
        told, txid = reply.object(), reply.txid
        if txid is None:
            raise UnexpectedReply(f"no transaction: {reply.text[:200]!r}")
        return txid, told

    def _is_final(self, client: str, node: NodeProcess, txid: TxId) -> None:
        self._recorder.status(
            client=client, node=node.name, txid=txid, status=TxStatus.COMMITTED
        )


def b64(text: str) -> str:
    """Write a key or a value as the gateway does."""
    return base64.b64encode(text.encode()).decode()


def object_of(told: JsonObject) -> tuple[int, int, tuple[Op, ...]]:
    """Read an object from an answer; a key that is absent has revision 0.

    Raises:
        UnexpectedReply: the answer has none.
    """
    kvs: Any = told.get("kvs", [])
    if not kvs:
        return 0, 0, ()
    try:
        _, kept = _kept(kvs[0])
    except LookupError as error:
        raise UnexpectedReply(f"not an object: {str(told)[:200]}") from error
    count, tail = _object(kept.value)
    return kept.modified, count, tail


def revision_of(told: JsonObject) -> int:
    """Read the store's revision from an answer.

    Raises:
        UnexpectedReply: the answer has none.
    """
    header: Any = told.get("header")
    try:
        return int(header["revision"])
    except (LookupError, TypeError, ValueError) as error:
        raise UnexpectedReply(f"no revision: {str(told)[:200]}") from error


def _kept(kv: Any) -> tuple[str, Kept]:  # noqa: ANN401  # an answer's part
    """Read a key, whose numbers are left out where they are 0."""
    try:
        return base64.b64decode(kv.get("key", "")).decode(), Kept(
            value=base64.b64decode(kv["value"]).decode(),
            version=int(kv.get("version", 0)),
            created=int(kv.get("create_revision", 0)),
            modified=int(kv["mod_revision"]),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnexpectedReply(f"not an object: {str(kv)[:200]}") from error


def _object(value: str) -> tuple[int, tuple[Op, ...]]:
    """Read an object from a key's value."""
    try:
        kept = json.loads(value)
        return int(kept["count"]), tuple(kept["tail"])
    except (LookupError, TypeError, ValueError) as error:
        raise UnexpectedReply(f"not an object: {value[:200]}") from error
