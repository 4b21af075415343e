"""``ccfpy gov``: what members of a service do, signed with their keys."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject, dumps, loads, loads_object
from ccfpy.cli.errors import Misused
from ccfpy.cli.gov_detached import finish, prepare, send, sign
from ccfpy.cli.gov_rotate import rotate
from ccfpy.cli.gov_run import WaitOption, as_member, run, show_status
from ccfpy.cli.gov_shares import reshare, share
from ccfpy.cli.gov_status import status
from ccfpy.cli.input_file import read_input
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_json
from ccfpy.cli.place import JsonOption, PlaceOptions
from ccfpy.cli.signing import SignerOptions
from ccfpy.client.connection import Connection
from ccfpy.client.governance import ACCEPT, REJECT, Governance, read_governance

gov = typer.Typer(no_args_is_help=True)


ProposalArgument: TypeAlias = Annotated[str, typer.Argument(metavar="PROPOSAL_ID")]


@gov.command()
@with_options
def propose(  # noqa: PLR0913  # one parameter for each option
    proposal: Annotated[
        Path | None, typer.Argument(help="A JSON file with 'actions'; - for stdin.")
    ] = None,
    *,
    action: Annotated[
        str | None, typer.Option(help="Instead of a file: the name of one action.")
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(help="Its arguments: NAME=VALUE; JSON, text or @FILE."),
    ] = None,
    member: SignerOptions,
    wait: WaitOption = True,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Propose to change the service."""
    if (proposal is None) == (action is None):
        raise Misused("give either a file with a proposal, or --action")
    if proposal is not None:
        document = _document(proposal)
    else:
        arguments = dict(_argument(item) for item in arg or [])
        document = dumps({"actions": [{"name": action, "args": arguments}]})
    outcome = as_member(
        where.find(),
        member,
        lambda governance: governance.propose_document(document),
        wait=wait,
    )
    show_status(outcome, as_json=json)


@gov.command()
@with_options
def vote(  # noqa: PLR0913  # one parameter for each option
    proposal_id: ProposalArgument,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Vote against it.")] = False,
    ballot: Annotated[
        Path | None, typer.Option(help="A script that exports a function 'vote'.")
    ] = None,
    member: SignerOptions,
    wait: WaitOption = True,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Vote for a proposal, or against it, or as a script decides."""
    if reject and ballot:
        raise Misused("--reject and --ballot are two ballots: give one of them")
    script = read_input(ballot).decode() if ballot else REJECT if reject else ACCEPT
    outcome = as_member(
        where.find(),
        member,
        lambda governance: governance.vote(proposal_id, script),
        wait=wait,
    )
    show_status(outcome, as_json=json)


@gov.command()
@with_options
def withdraw(  # one parameter for each option
    proposal_id: ProposalArgument,
    *,
    member: SignerOptions,
    wait: WaitOption = True,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Withdraw a proposal that the same member made."""
    outcome = as_member(
        where.find(),
        member,
        lambda governance: governance.withdraw(proposal_id),
        wait=wait,
    )
    if outcome is None:
        raise Misused(f"this member has no proposal {proposal_id} to withdraw")
    show_status(outcome, as_json=json)


@gov.command()
@with_options
def ack(
    *,
    member: SignerOptions,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Acknowledge the state of the service, which makes a member active."""
    place = where.find()
    signer = member.signer(place)
    who = member.name(signer)
    digest = run(place, lambda c: Governance(c, signer).acknowledge())
    if json:
        print_json({"member": who, "stateDigest": digest})
    else:
        print(f"{who} acknowledged the state {digest}")


@gov.command()
@with_options
def show(
    proposal_id: ProposalArgument,
    *,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Show a proposal and its actions."""
    place = where.find()

    async def read(connection: Connection) -> JsonObject:
        path = f"members/proposals/{proposal_id}"
        fields = await read_governance(connection, path)
        actions = await read_governance(connection, f"{path}/actions")
        assert isinstance(fields, dict), "a proposal is an object"
        return fields | (actions if isinstance(actions, dict) else {})

    fields = run(place, read)
    if json:
        print_json(fields)
        return
    for name, value in fields.items():
        print(f"{name}: {value if isinstance(value, str) else dumps(value).decode()}")


@gov.command("list")
@with_options
def list_proposals(
    *,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """List the proposals that the service knows."""
    place = where.find()
    reply = run(place, lambda c: read_governance(c, "members/proposals"))
    values = reply.get("value") if isinstance(reply, dict) else None
    listed = values if isinstance(values, list) else []
    proposals = [value for value in listed if isinstance(value, dict)]
    if json:
        print_json(proposals)
        return
    for fields in proposals:
        print(fields.get("proposalId"), fields.get("proposalState"))
    if not proposals:
        note("there are no proposals")


def _document(path: Path) -> bytes:
    text = read_input(path)
    try:
        loads_object(text)
    except Malformed as error:
        raise Misused(f"{path} holds no proposal: {error}") from error
    return text


def _argument(item: str) -> tuple[str, Json]:
    name, equals, text = item.partition("=")
    if not equals or not name:
        raise Misused(f"{item!r} is no argument: write NAME=VALUE or NAME=@FILE")
    if text.startswith("@"):
        return name, read_input(Path(text[1:])).decode()
    try:
        return name, loads(text)
    except Malformed:
        return name, text


for command in (status, share, reshare, rotate, prepare, finish, sign, send):
    gov.command()(command)
