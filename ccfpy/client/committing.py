"""Following a write until it is committed.

An answer says that a write is *applied*; if the primary fails, the write may still be
lost. The transaction's id decides: the service reports ``Committed`` or ``Invalid``,
and either is final. The client asks for the status, instead of an answer that waits for
commit, because the id then arrives at once. From then on any node can say what became
of the write, whatever becomes of the client.
"""

import asyncio
import time

from ccfpy.base.ids import TxId
from ccfpy.client.errors import NotCommitted, UnexpectedReply, Unreachable
from ccfpy.client.receipts import fetch_verified
from ccfpy.client.reply import text_field
from ccfpy.client.sending import Client, Sending, Writing, Written

COMMIT_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 20.0
"""For a write until it is committed, and its receipt."""
COMMIT_POLL_S = 0.01
"""Between two questions for a transaction's status; a signature takes longer."""
COMMIT_POLL_MAX_S = 0.25


async def wait_committed(client: Client, txid: TxId, *, timeout_s: float) -> None:
    """Wait until a transaction is committed; see ``Connection.wait_committed``."""
    deadline = time.monotonic() + timeout_s
    pause = COMMIT_POLL_S
    while True:
        try:
            reply = await client.get(
                f"/node/tx?transaction_id={txid}",
                timeout_s=deadline - time.monotonic(),
            )
        except Unreachable as error:
            # A timer may be a little early: what counts is time for another question.
            if time.monotonic() + pause <= deadline:
                raise
            raise NotCommitted(
                txid,
                f"is not known to be committed after {timeout_s:g} s: {error}",
                is_final=False,
            ) from error
        status = text_field(reply.object(), "status")
        if status == "Committed":
            return
        if status == "Invalid":
            raise NotCommitted(txid, "was lost: send it again", is_final=True)
        if time.monotonic() + pause > deadline:
            raise NotCommitted(
                txid,
                f"is {status} after {timeout_s:g} s: a majority of nodes may be "
                "missing",
                is_final=False,
            )
        await asyncio.sleep(pause)
        pause = min(2 * pause, COMMIT_POLL_MAX_S)


async def write(client: Client, method: str, path: str, options: Writing) -> Written:
    """Write and wait for commit; see ``Connection.write``."""
    timeout_s = options.get("timeout_s")
    deadline = time.monotonic() + (WRITE_TIMEOUT_S if timeout_s is None else timeout_s)
    sending: Sending = {
        "body": options.get("body"),
        "json": options.get("json"),
        "headers": options.get("headers"),
        "idempotent": options.get("idempotent", False),
    }
    lost: list[TxId] = []
    while True:
        sending["timeout_s"] = _left(deadline)
        reply = (await client.request(method, path, **sending)).raise_for_error()
        if (txid := reply.txid) is None:
            raise UnexpectedReply(f"{method} {path} became no transaction")
        if await _is_committed(client, txid, deadline):
            break
        lost.append(txid)
        if len(lost) > options.get("resend_if_lost", 0):
            raise NotCommitted(txid, "was lost: send it again", is_final=True)
    receipt = None
    if options.get("prove", False):
        receipt = await fetch_verified(
            client,
            txid,
            claims_digest=options.get("claims_digest"),
            timeout_s=_left(deadline),
        )
    return Written(reply=reply, txid=txid, lost=tuple(lost), receipt=receipt)


async def _is_committed(client: Client, txid: TxId, deadline: float) -> bool:
    """Wait until a transaction is committed or lost; return whether it is committed.

    Raises:
        NotCommitted: it is neither in time, or no node can be asked.
    """
    try:
        await wait_committed(client, txid, timeout_s=_left(deadline))
    except NotCommitted as error:
        if not error.is_final:
            raise
        return False
    except Unreachable as error:
        raise NotCommitted(
            txid,
            f"is applied, and no node says more: {error}",
            is_final=False,
        ) from error
    return True


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
