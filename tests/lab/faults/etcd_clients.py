"""Clients of the sample app for etcd, which append to objects by transactions.

A client reads an object and then replaces it, if its revision is still the one that the
client has read. Etcd answers what is final, so each answer is also a status.
"""

import base64
import json
import random
from typing import Any

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.errors import ClientError, UnexpectedReply
from ccfpy.consensus.status import TxStatus
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.history import Op
from tests.lab.consistency.linearizable import NOT_EQUAL, SERIALIZABLE
from tests.lab.faults.app import KEPT
from tests.lab.faults.clients import KINDS, WRITES_PER_OBJECT, Clients

SERIALIZABLE_SHARE = 0.3
"""How many reads ask for less than the latest."""


class EtcdClients(Clients):
    """Clients that write and read by etcd's calls, in JSON."""

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
        request: JsonObject = {"key": _b64(name), "serializable": is_serializable}
        try:
            txid, told = await self._ask(client, node, "range", request)
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
            "key": _b64(name),
            "target": "MOD",
            "mod_revision": str(revision),
        }
        put: JsonObject = {"key": _b64(name), "value": _b64(value)}
        request: JsonObject = {"compare": [compare], "success": [{"request_put": put}]}
        try:
            txid, told = await self._ask(client, node, "txn", request)
        except ClientError as error:
            recorder.given_up(op, str(error))
            return False
        if told.get("succeeded") is not True:
            recorder.given_up(op, NOT_EQUAL)
            self._is_final(client, node, txid)
            return False
        recorder.answered(op, txid=txid, count=count + 1, tail=tuple(shown))
        self._is_final(client, node, txid)
        self._written.append(txid)
        return True

    async def _ask(
        self, client: str, node: NodeProcess, call: str, request: Json
    ) -> tuple[TxId, JsonObject]:
        connection = await self._connection(client, node)
        reply = await connection.post(f"/v3/kv/{call}", request)
        told, txid = reply.object(), reply.txid
        if txid is None:
            raise UnexpectedReply(f"no transaction: {reply.text[:200]!r}")
        return txid, told

    def _is_final(self, client: str, node: NodeProcess, txid: TxId) -> None:
        self._recorder.status(
            client=client, node=node.name, txid=txid, status=TxStatus.COMMITTED
        )


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def object_of(told: JsonObject) -> tuple[int, int, tuple[Op, ...]]:
    """Read an object from an answer; a key that is absent has revision 0.

    Raises:
        UnexpectedReply: the answer has none.
    """
    kvs: Any = told.get("kvs", [])
    try:
        if not kvs:
            return 0, 0, ()
        kept = json.loads(base64.b64decode(kvs[0]["value"]))
        return int(kvs[0]["mod_revision"]), int(kept["count"]), tuple(kept["tail"])
    except (LookupError, TypeError, ValueError) as error:
        raise UnexpectedReply(f"not an object: {str(told)[:200]}") from error
