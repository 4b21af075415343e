"""What the commands of ``ccfpy gov`` have in common: connecting, signing, waiting."""

import asyncio
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import Place
from ccfpy.cli.signing import SignerOptions, SignersOptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ccfpy.client.connection import Connection
    from ccfpy.client.governance import Governance, ProposalStatus


WaitOption: TypeAlias = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until it is committed.")
]
_T = TypeVar("_T")


def run(place: Place, work: "Callable[[Connection], Awaitable[_T]]") -> _T:
    """Run a function with a connection to a service, without a certificate."""

    async def connected() -> _T:
        async with place.connect() as connection:
            return await work(connection)

    return asyncio.run(connected())


def as_member(
    place: Place,
    member: SignerOptions,
    work: "Callable[[Governance], Awaitable[_T]]",
    *,
    wait: bool,
) -> _T:
    """Run a function as a member; wait until a proposal's change is committed."""
    from ccfpy.client.governance import Governance, ProposalStatus

    signer = member.signer(place)

    async def signed(connection: "Connection") -> _T:
        status = await work(Governance(connection, signer))
        if wait and isinstance(status, ProposalStatus) and status.txid:
            await connection.wait_committed(status.txid)
        return status

    return run(place, signed)


def as_members(
    place: Place,
    members: SignersOptions,
    work: "Callable[[Sequence[Governance]], Awaitable[ProposalStatus]]",
    *,
    wait: bool,
) -> "ProposalStatus":
    """Run a function as several members."""
    from ccfpy.client.governance import Governance

    signers = members.signers(place)

    async def signed(connection: "Connection") -> "ProposalStatus":
        status = await work([Governance(connection, signer) for signer in signers])
        if wait and status.txid:
            await connection.wait_committed(status.txid)
        return status

    return run(place, signed)


def show_status(status: "ProposalStatus", *, as_json: bool) -> None:
    """Print what became of a proposal."""
    if as_json:
        print_json(
            {
                "proposalId": status.proposal_id,
                "proposerId": status.proposer_id,
                "proposalState": status.state,
                "ballotCount": status.ballot_count,
                "transaction": None if status.txid is None else str(status.txid),
            }
        )
        return
    votes = f"{status.ballot_count} ballot{'' if status.ballot_count == 1 else 's'}"
    print_line(f"{status.proposal_id} is {status.state}, {votes}")
