"""``ccfpy gov propose``, ``vote``, ``withdraw``, ``ack``: what members sign."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject, dumps, loads, loads_object
from ccfpy.cli import completion
from ccfpy.cli.errors import Misused
from ccfpy.cli.input import confirm, read_input
from ccfpy.cli.options import with_options
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import JsonOption, PlaceOptions
from ccfpy.cli.signing import SignerOptions, WaitOption, as_member, run, show_status

if TYPE_CHECKING:
    from ccfpy.base.ids import ProposalId
    from ccfpy.cli.place import Place
    from ccfpy.client.connection import Connection
    from ccfpy.client.review.description import Description

ProposalArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="PROPOSAL_ID",
        help="The beginning of its id.",
        autocompletion=completion.proposals,
    ),
]
IDS = {
    "member_id": "kv/members/info",
    "node_id": "kv/nodes/info",
    "user_id": "kv/users/certs",
}
"""Arguments of CCF's actions that are ids, and the tables that have the ids as keys."""


@with_options
def propose(  # noqa: PLR0913  # one parameter for each option
    proposal: Annotated[
        Path | None, typer.Argument(help="A JSON file with 'actions'; - for stdin.")
    ] = None,
    *,
    action: Annotated[
        str | None,
        typer.Option(
            help="Instead of a file: the name of one action.",
            autocompletion=completion.actions,
        ),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(
            help="Its arguments: NAME=VALUE; JSON, text or @FILE. The beginning of an "
            "id is enough for member_id, node_id and user_id."
        ),
    ] = None,
    member: SignerOptions,
    wait: WaitOption = True,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Propose to change the service."""
    if (proposal is None) == (action is None):
        raise Misused("give either a file with a proposal, or --action")
    place = where.find()
    if proposal is not None:
        document = _document(proposal)
    else:
        given = dict(_argument(item) for item in arg or [])
        arguments = run(place, lambda c: _with_whole_ids(c, given))
        document = dumps({"actions": [{"name": action, "args": arguments}]})
    outcome = as_member(
        place,
        member,
        lambda governance: governance.propose_document(document),
        wait=wait,
    )
    show_status(outcome, as_json=json)


@with_options
def vote(  # noqa: PLR0913  # one parameter for each option
    proposal_id: ProposalArgument,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Vote against it.")] = False,
    ballot: Annotated[
        Path | None, typer.Option(help="A script that exports a function 'vote'.")
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(
            metavar="HEX",
            help="Vote only for the text with this digest, which 'gov show' prints.",
        ),
    ] = None,
    unseen: Annotated[
        bool,
        typer.Option(
            "--unseen", help="Vote although 'gov show' cannot show what it says."
        ),
    ] = False,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask",
            help="Show the proposal, ask, and vote on what was shown alone.",
        ),
    ] = False,
    member: SignerOptions,
    wait: WaitOption = True,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Vote for a proposal, or against it, or as a script decides."""
    from ccfpy.client.governance import ACCEPT, REJECT

    if sum((reject, ballot is not None, sha256 is not None)) > 1:
        raise Misused(
            "--reject, --ballot and --sha256 are different ballots: give one of them"
        )
    place = where.find()
    proposal_id = run(place, lambda c: find_proposal(c, proposal_id))
    if not (reject or unseen):
        run(place, lambda c: _check_shown(c, proposal_id))
    digest = None if sha256 is None else sha256.lower()
    if ask:
        question = "Vote against it?" if reject else "Vote for it?"
        read = _ask_about(place, proposal_id, question)
        if digest is None and ballot is None and not reject:
            digest = read
    if digest is not None:
        script = run(place, lambda c: _bound_to(c, proposal_id, digest))
    else:
        script = read_input(ballot).decode() if ballot else REJECT if reject else ACCEPT
    outcome = as_member(
        place,
        member,
        lambda governance: governance.vote(proposal_id, script),
        wait=wait,
    )
    show_status(outcome, as_json=json)


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
    place = where.find()
    proposal_id = run(place, lambda c: find_proposal(c, proposal_id))
    outcome = as_member(
        place,
        member,
        lambda governance: governance.withdraw(proposal_id),
        wait=wait,
    )
    if outcome is None:
        raise Misused(f"this member has no proposal {proposal_id} to withdraw")
    show_status(outcome, as_json=json)


@with_options
def ack(
    *,
    member: SignerOptions,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Acknowledge the state of the service, which makes a member active."""
    from ccfpy.client.governance import Governance

    place = where.find()
    signer = member.signer(place)
    who = member.name(signer)
    digest = run(place, lambda c: Governance(c, signer).acknowledge())
    if json:
        print_json({"member": who, "stateDigest": digest})
    else:
        print_line(f"{who} acknowledged the state {digest}")


def _ask_about(place: "Place", proposal_id: "ProposalId", question: str) -> str:
    """Show a proposal, and return the digest of its text if the person agrees.

    Raises:
        CommandFailed: the answer is no.
        Misused: there is no terminal to ask on.
        VerificationFailed: what would come of the proposal changed while the person
            read.
    """
    from ccfpy.cli.description_text import print_description
    from ccfpy.client.review.description import differences

    names = place.names()
    if not sys.stdin.isatty():
        raise Misused("nobody is here to be asked: leave --ask away")
    read = run(place, lambda c: described(c, proposal_id, names))
    print_description(read, full=True)
    confirm(question, yes=False)
    now = run(place, lambda c: described(c, proposal_id, names, read.outcome))
    if different := differences(read, now):
        raise VerificationFailed(
            "nothing was signed: what would come of the proposal is no longer what "
            f"was shown: {'; '.join(different)}"
        )
    return read.digest


async def described(
    connection: "Connection", beginning: str, names: dict[str, str], shown: str = ""
) -> "Description":
    """Describe the proposal whose id begins so; run apart, and not for long.

    Args:
        connection: to the service.
        beginning: of the id.
        names: members' names, by id.
        shown: the outcome that somebody read earlier, by its name.
    """
    from ccfpy.client.review.public_state import read_public_state
    from ccfpy.console.what_if import WhatIf

    proposal_id = await find_proposal(connection, beginning)
    state = await read_public_state(connection)
    with contextlib.closing(WhatIf()) as what_if:
        return await asyncio.to_thread(
            what_if.describe, state, proposal_id, names, shown
        )


async def find_proposal(connection: "Connection", beginning: str) -> "ProposalId":
    """Return the id of the proposal that begins so.

    Raises:
        NotOneId: no proposal's id begins so, or several do.
    """
    from ccfpy.base.ids import ProposalId
    from ccfpy.client.vocabulary import ID_CHARACTERS, whole_id

    if len(beginning) == ID_CHARACTERS:
        return ProposalId(beginning)
    known = [fields.get("proposalId") for fields in await listed_proposals(connection)]
    return ProposalId(whole_id("proposal", beginning, list(map(str, known))))


async def _bound_to(connection: "Connection", proposal_id: str, digest: str) -> str:
    """Return a ballot for the text with this digest.

    Raises:
        VerificationFailed: the service shows another text. A ballot for a text that
            is not there would count as no, and could not be taken back.
    """
    from ccfpy.client.governance import bound_ballot, read_actions, text_digest

    text = await read_actions(connection, proposal_id)
    if (found := text_digest(text)) != digest:
        raise VerificationFailed(
            f"the service's proposal {proposal_id[:8]} has the SHA-256 {found}, "
            f"and not {digest}: nothing was signed"
        )
    return bound_ballot(text)


async def _check_shown(connection: "Connection", proposal_id: str) -> None:
    """Check that it is certain what a proposal says.

    Raises:
        VerificationFailed: the service's engine may read it otherwise than a reader.
    """
    from ccfpy.client.governance import read_actions
    from ccfpy.client.review.reading import why_not_shown

    if reason := why_not_shown(await read_actions(connection, proposal_id)):
        raise VerificationFailed(
            f"nothing was signed: the proposal cannot be shown, as {reason}; "
            "--unseen votes all the same"
        )


async def _with_whole_ids(
    connection: "Connection", arguments: JsonObject
) -> JsonObject:
    """Return arguments in which ids of members, nodes and users are whole.

    Raises:
        NotOneId: the beginning of an id fits none, or several.
    """
    from ccfpy.client.governance import read_governance
    from ccfpy.client.vocabulary import ID_CHARACTERS, whole_id

    found = dict(arguments)
    for name, table in IDS.items():
        beginning = arguments.get(name)
        if isinstance(beginning, int):  # digits alone
            beginning = str(beginning)
        if isinstance(beginning, str) and len(beginning) != ID_CHARACTERS:
            known = await read_governance(connection, table)
            ids = list(known) if isinstance(known, dict) else []
            found[name] = whole_id(name.removesuffix("_id"), beginning, ids)
    return found


async def listed_proposals(connection: "Connection") -> list[JsonObject]:
    """Return the proposals that the service lists."""
    from ccfpy.client.governance import read_governance

    listed = await read_governance(connection, "members/proposals")
    values = listed.get("value") if isinstance(listed, dict) else None
    found = values if isinstance(values, list) else []
    return [value for value in found if isinstance(value, dict)]


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
