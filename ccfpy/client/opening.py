"""Taking a new service from its members' first word to its users' first write.

Members acknowledge the service's state, one of them proposes to open it for named users
under the certificate that all of them saw, and they vote until that is accepted.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.client.connection import Connection
from ccfpy.client.errors import (
    ClientError,
    NotCommitted,
    OutcomeUnknown,
    ServiceError,
    Unreachable,
)
from ccfpy.client.governance import Governance, ProposalStatus
from ccfpy.client.outcomes import VIEW_CHANGED
from ccfpy.client.reply import text_field

STARTUP_TIMEOUT_S = 30.0
OPEN_TIMEOUT_S = 30.0
POLL_S = 0.05
OPENING_ATTEMPTS_MAX = 5
"""How often members begin to open a service while its nodes elect primaries."""


async def wait_ready(
    connection: Connection, *, timeout_s: float = STARTUP_TIMEOUT_S
) -> TxId:
    """Wait until a new node answers and its first state is signed; give its txid.

    Raises:
        Unreachable: it does not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            reply = await connection.get("/node/state")
        except (Unreachable, ServiceError) as error:
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"the node did not become ready in {timeout_s:g} s: {error}"
                ) from error
        else:
            if reply.txid is not None:
                await connection.wait_committed(reply.txid)
                return reply.txid
        await asyncio.sleep(POLL_S)


async def carry(
    members: Sequence[Governance], actions: Sequence[Mapping[str, Json]]
) -> ProposalStatus:
    """Propose as the first member and let members vote until it is decided.

    Raises:
        ClientError: all have voted and it is not accepted.
    """
    status = await put_to_vote(members, actions)
    if status.state != "Accepted":
        raise ClientError(
            f"proposal {status.proposal_id} is {status.state} after all "
            f"{len(members)} members voted for it"
        )
    return status


async def put_to_vote(
    members: Sequence[Governance], actions: Sequence[Mapping[str, Json]]
) -> ProposalStatus:
    """Propose as the first member, let these vote, and return the outcome.

    If a vote fails or the caller is interrupted, the proposal is withdrawn, because
    nobody would finish it.
    """
    status = await members[0].propose(actions)
    try:
        return await vote_for(members, status)
    except (CcfpyError, asyncio.CancelledError):
        with suppress(CcfpyError):
            await members[0].withdraw(status.proposal_id)
        raise


async def vote_for(
    members: Sequence[Governance], status: ProposalStatus
) -> ProposalStatus:
    """Collect members' votes until a proposal is decided; return its status."""
    for member in members:
        if not status.is_open:
            break
        status = await member.vote(status.proposal_id)
    return status


def set_users(certificates: Sequence[str]) -> list[Mapping[str, Json]]:
    """Return the actions that add users, by their certificates as PEM."""
    return [{"name": "set_user", "args": {"cert": pem}} for pem in certificates]


def open_to(service_certificate: str) -> Mapping[str, Json]:
    """Return the action that opens the service with that certificate."""
    return {
        "name": "transition_service_to_open",
        "args": {"next_service_identity": service_certificate},
    }


async def open_service(
    connection: Connection,
    members: Sequence[Governance],
    *,
    users: Sequence[str],
    before: Sequence[Mapping[str, Json]] = (),
) -> TxId:
    """Open a service that has just begun; give the transaction that opened it.

    On a busy machine the nodes may elect another primary meanwhile. What members wrote
    may be lost with the view, or nobody knows whether it was applied. Then members
    begin again: acknowledging twice is acknowledging once, and to open a service that
    is open changes nothing.

    Args:
        connection: to its first node.
        members: its initial members.
        users: certificates of its first users, as PEM.
        before: further actions for the same proposal, such as installing an app.

    Raises:
        ClientError: it does not open.
    """
    actions = [
        *set_users(users),
        *before,
        open_to(connection.service_certificate),
    ]
    for _ in range(OPENING_ATTEMPTS_MAX - 1):
        try:
            return await _open(connection, members, actions)
        except (ServiceError, NotCommitted, OutcomeUnknown) as error:
            if not _is_of_an_election(error):
                raise
    return await _open(connection, members, actions)


def _is_of_an_election(error: ServiceError | NotCommitted | OutcomeUnknown) -> bool:
    match error:
        case NotCommitted():
            return error.is_final
        case ServiceError():
            return error.code == VIEW_CHANGED
        case OutcomeUnknown():
            return True


async def _open(
    connection: Connection,
    members: Sequence[Governance],
    actions: Sequence[Mapping[str, Json]],
) -> TxId:
    for member in members:
        await member.acknowledge()
    status = await carry(members, actions)
    assert status.txid is not None, "an accepted proposal is a transaction"
    await connection.wait_committed(status.txid)
    await wait_open(connection)
    return status.txid


async def wait_open(connection: Connection) -> None:
    """Wait until users are served.

    Raises:
        ClientError: they are not in time.
    """
    deadline = time.monotonic() + OPEN_TIMEOUT_S
    while True:
        status = text_field(
            (await connection.get("/node/network")).object(), "service_status"
        )
        reply = await connection.request("GET", "/app/commit")
        if status == "Open" and not reply.is_error:
            return
        if time.monotonic() > deadline:
            raise ClientError(f"the service is still {status}, not open to users")
        await asyncio.sleep(POLL_S)
