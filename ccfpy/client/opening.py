"""Opening a service by its members: a new one, or one that was lost.

Members acknowledge a new service's state, one of them proposes to open it for named
users under the certificate that all of them saw, and they vote until that is accepted.

After a loss, a node has the public state. Members acknowledge the new service's state
and vote to continue under its certificate in place of the lost certificate. Then
members submit their recovery shares, one after the other, until there are enough; the
nodes do the rest.
"""

import asyncio
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId, TxId
from ccfpy.base.json import Json
from ccfpy.client.call import VIEW_CHANGED
from ccfpy.client.connection import Connection
from ccfpy.client.errors import (
    ClientError,
    NotCommitted,
    OutcomeUnknown,
    ServiceError,
    UnexpectedReply,
    Unreachable,
)
from ccfpy.client.governance import Governance, ProposalStatus
from ccfpy.client.keys import FileDecrypter, FileSigner, KeyFiles, ShareDecrypter
from ccfpy.client.requests import text_field
from ccfpy.crypto.certs import Certificate

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


TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryMember:
    """A member who may hand in a share.

    Attributes:
        decrypter: opens the share; nothing for a member without.
    """

    governance: Governance
    decrypter: ShareDecrypter | None = None

    @classmethod
    def of_files(cls, connection: Connection, files: KeyFiles) -> Self:
        """Read a member's keys.

        Raises:
            KeyFileMissing: the member has no identity.
            Malformed: a file holds no key.
        """
        path = files.encryption_private_key
        return cls(
            governance=Governance(connection, FileSigner.load(files)),
            decrypter=FileDecrypter.read(path) if path.exists() else None,
        )


def go_on_from(previous: str, *, under: str) -> Mapping[str, Json]:
    """Return the action by which members choose the service to bring back.

    Args:
        previous: the lost service's certificate as PEM.
        under: the new service's.
    """
    return {
        "name": "transition_service_to_open",
        "args": {"previous_service_identity": previous, "next_service_identity": under},
    }


async def recorded_identity(connection: Connection, known: str) -> str:
    """Return the lost service's certificate as its ledger last had it, as PEM.

    If the certificate was renewed after ``known`` was saved, the ledger has another
    certificate for the same key, and a recovering service accepts only the latter.

    Args:
        connection: to a node of the new service.
        known: a certificate of the lost service as PEM.

    Raises:
        ClientError: the node does not answer, or recovers a service of another key.
        Malformed: one of the two is not a certificate.
    """
    reply = await connection.get("/node/service/previous_identity")
    recorded = text_field(reply.object(), "previous_service_identity")
    key = Certificate.from_pem(known).public_key.der
    if Certificate.from_pem(recorded).public_key.der != key:
        raise UnexpectedReply(
            "the ledger is of another service than the one whose certificate is given"
        )
    return recorded


async def recover_service(
    connection: Connection,
    members: Sequence[RecoveryMember],
    *,
    previous: str,
    before: Sequence[Mapping[str, Json]] = (),
    timeout_s: float = TIMEOUT_S,
) -> TxId:
    """Bring a service back, once its nodes have its public state.

    Gives the transaction by which members asked for it; the service is open.

    Args:
        connection: to the new service's primary.
        members: enough of the lost service's members to decide, and to recover.
        previous: the lost service's certificate as PEM, renewed since or not.
        before: actions that members decide on first, each by itself: the lost
            service's constitution may not know of what is asked for then.
        timeout_s: for the nodes' part.

    Raises:
        ClientError: members do not agree, their shares are too few or wrong, the ledger
            is another service's, or it takes too long.
        Malformed: ``previous`` is no certificate.
    """
    for member in members:
        await member.governance.acknowledge()
    voters = [member.governance for member in members]
    for action in before:
        await carry(voters, [action])
    recorded = await recorded_identity(connection, previous)
    action = go_on_from(recorded, under=connection.service_certificate)
    status = await carry(voters, [action])
    assert status.txid is not None, "an accepted proposal is a transaction"
    await connection.wait_committed(status.txid)
    await submit_shares(members)
    await wait_recovered(connection, timeout_s=timeout_s)
    return status.txid


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of members' shares.

    Attributes:
        count: how many were handed in.
        is_enough: whether the service needs no more.
    """

    count: int
    is_enough: bool


async def hand_in(
    members: Sequence[RecoveryMember],
    *,
    already: Container[MemberId] = (),
) -> HandedIn:
    """Hand in members' shares until they are enough, or all are there.

    Args:
        members: those without a key for shares are passed over.
        already: who has done so before.

    Raises:
        ClientError: one is refused.
    """
    count = 0
    for member in members:
        if member.decrypter is None or member.governance.member_id in already:
            continue
        told = await member.governance.submit_share(member.decrypter)
        count += 1
        submitted, threshold = told.get("submittedCount"), told.get("recoveryThreshold")
        is_full = told.get("fullKeySubmitted") is True
        if is_full or (
            isinstance(submitted, int)
            and isinstance(threshold, int)
            and submitted >= threshold
        ):
            return HandedIn(count=count, is_enough=True)
    return HandedIn(count=count, is_enough=False)


async def submit_shares(members: Sequence[RecoveryMember]) -> int:
    """Hand in members' shares until they are enough; give how many were.

    Raises:
        ClientError: one is refused, or they are too few.
    """
    handed = await hand_in(members)
    if not handed.is_enough:
        raise ClientError(f"the shares of {handed.count} members are too few")
    return handed.count


async def wait_recovered(
    connection: Connection, *, timeout_s: float = TIMEOUT_S
) -> None:
    """Wait until the node has the private state, and users are served.

    Raises:
        ClientError: it takes too long.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        told = (await connection.get("/node/state")).object()
        state = text_field(told, "state")
        if state == "PartOfNetwork":
            break
        if time.monotonic() > deadline:
            raise ClientError(
                f"the private state is not back in {timeout_s:g} s: the node is {state}"
                f" at {told.get('last_recovered_seqno')} of "
                f"{told.get('recovery_target_seqno')}"
            )
        await asyncio.sleep(POLL_S)
    await wait_open(connection)
