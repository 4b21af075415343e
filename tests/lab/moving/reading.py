"""How one write is looked for at one node.

A node says nothing of a write by lagging behind, and an election ends sessions. So a
write is not there only if the node does not show the write *after* the node has called
the write's transaction committed or invalid, or if the node does neither in time.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError
from ccfpy.client.requests import text_field

READ_TIMEOUT_S = 30.0
POLL_S = 0.1
NO_RECORD = "ResourceNotFound"
"""The code of the application's answer where it has no message."""
FINAL = frozenset({"Committed", "Invalid"})
"""The statuses of a transaction that do not change any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A write that a node called committed.

    Attributes:
        number: of its message.
        txid: its transaction.
        answered_s: when the write was answered, in seconds of the run.
        answered_by: the address that answered.
        committed_s: when a node called the write committed.
        committed_by: the address of that node.
    """

    number: int
    txid: TxId
    answered_s: float
    answered_by: str
    committed_s: float
    committed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a node shows of a write.

    Attributes:
        value: the message; nothing if the node has none.
        status: what the node says of the transaction, if the node was asked.
        troubles: what kept the node from showing the message, look by look.
    """

    value: str | None
    status: str | None
    troubles: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """An acknowledged write that a node does not show.

    Attributes:
        url: the address of the node.
    """

    write: Acknowledged
    url: str
    seen: Seen

    def __str__(self) -> str:
        """Describe what was promised, and what is there."""
        write, seen = self.write, self.seen
        text = (
            f"write {write.number} in {write.txid}, committed at "
            f"{write.committed_s:.1f} s by {write.committed_by}: {self.url} has "
            f"{seen.value!r} and calls the transaction {seen.status}"
        )
        return f"{text} (at last: {seen.troubles[-1]})" if seen.troubles else text


def is_public(number: int) -> bool:
    """Return whether a write goes to a public table, which the ledger shows."""
    return number % 2 == 0


def path(number: int) -> str:
    """Return where a message is written and read."""
    return "/app/log/public" if is_public(number) else "/app/log/private"


def message(number: int) -> str:
    """Return the message with a number."""
    return f"message {number}"


async def look_up(
    connection: Connection,
    number: int,
    txid: TxId,
    *,
    timeout_s: float = READ_TIMEOUT_S,
) -> Seen:
    """Return what a node shows of a write, once the node knows what became of it.

    Args:
        connection: to the one node.
        number: of the message.
        txid: the write's transaction.
        timeout_s: how long to ask.
    """
    deadline = time.monotonic() + timeout_s
    value = status = None
    troubles: list[str] = []
    while True:
        is_late = time.monotonic() > deadline
        try:
            value = await _value(connection, number)
            if value == message(number) or status in FINAL:
                break
            status = await _status(connection, txid)
            troubles.append(f"no message, and the transaction is {status}")
        except ClientError as error:
            troubles.append(str(error))
        if is_late:
            break
        await asyncio.sleep(POLL_S)
    return Seen(value=value, status=status, troubles=troubles)


async def _value(connection: Connection, number: int) -> str | None:
    try:
        reply = await connection.get(f"{path(number)}?id={number}")
    except ServiceError as error:
        # A node whose frontend is not open yet answers 404 as well.
        if error.code == NO_RECORD:
            return None
        raise
    return text_field(reply.object(), "msg")


async def _status(connection: Connection, txid: TxId) -> str:
    reply = await connection.get(f"/node/tx?transaction_id={txid}")
    return text_field(reply.object(), "status")
