"""``ccfpy gov show``, ``list``, ``actions``: proposals, and what may be proposed."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccfpy.base.json import Json, JsonObject
from ccfpy.cli.entries import is_whole
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.gov_proposals import (
    ProposalArgument,
    described,
    find_proposal,
    listed_proposals,
)
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_json
from ccfpy.cli.place import JsonOption, PlaceOptions
from ccfpy.cli.signing import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ccfpy.client.connection import Connection
    from ccfpy.client.review.dry_run import Argument, Definition
    from ccfpy.client.review.proposal import Summary


NOT_RUN: Final = "what it would change is told where all of ccfpy is installed"
"""Said by ``ccfpy-client``, which has no engine to run a constitution in."""


@with_options
def show(
    proposal_id: ProposalArgument,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Show long diffs to their end.")
    ] = False,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Show a proposal: its actions, who has voted, what would come of it.

    The installed constitution runs on this machine, over the service's public tables,
    to say what the proposal would change if it passed now.
    """
    place = where.find()
    if json or not is_whole():
        print_json(run(place, lambda c: _fields(c, proposal_id)))
        if not json:
            note(NOT_RUN)
        return

    from ccfpy.cli.description_text import print_description

    names = place.names()
    print_description(run(place, lambda c: described(c, proposal_id, names)), full=full)


async def _fields(connection: "Connection", beginning: str) -> JsonObject:
    from ccfpy.client.governance import read_governance

    path = f"members/proposals/{await find_proposal(connection, beginning)}"
    fields = await read_governance(connection, path)
    actions = await read_governance(connection, f"{path}/actions")
    assert isinstance(fields, dict), "a proposal is an object"
    return fields | (actions if isinstance(actions, dict) else {})


@with_options
def list_proposals(
    *,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """List the proposals that the service knows.

    The newest open ones that may put much at stake are run, to name the worst first.
    """
    place = where.find()
    if not is_whole():
        print_json(run(place, listed_proposals))
        return
    if json:
        print_json(run(place, _listed))
        return

    found, titles = run(place, _titled)
    print_summaries(found, titles, place.names())
    if not found:
        note("there are no proposals")
    if any(_is_left(each, titles) for each in found):
        note("ccfpy gov show ID says what would come of one that was not run")


def print_summaries(
    found: "Sequence[Summary]", titles: "Mapping[str, str]", names: "Mapping[str, str]"
) -> None:
    """Print a line for each proposal, in which what others chose is marked once.

    Args:
        found: the proposals.
        titles: what those do that were run, by their ids.
        names: members' names, by id.
    """
    from ccfpy.cli.terminal import text_console
    from ccfpy.client.review.characters import inline

    console = text_console()
    for each in found:
        proposer = each.info.proposer_id
        who = inline(names.get(proposer, proposer[:8]))
        console.shown(
            f"{inline(each.proposal_id)} {each.info.state.value} by {who}: "
            f"{', '.join(map(_named, each.actions))} "
            f"({titles.get(each.proposal_id, each.title)})"
            f"{', not run' if _is_left(each, titles) else ''}",
            "",
            {},
        )


def _is_left(summary: "Summary", titles: "Mapping[str, str]") -> bool:
    """Return whether a proposal is open and was not run."""
    from ccfpy.service.tables.proposals import ProposalState

    is_open = summary.info.state is ProposalState.OPEN
    return is_open and summary.proposal_id not in titles


def _named(action: str) -> str:
    """Return an action's name; one that is not CCF's cannot be taken for our words."""
    from ccfpy.client.review.actions import purpose
    from ccfpy.client.review.characters import quoted_name

    return action if purpose(action) else quoted_name(action)


async def _titled(
    connection: "Connection",
) -> "tuple[list[Summary], dict[str, str]]":
    """Return the proposals, and the titles of those that were run, by their ids."""
    from ccfpy.client.review.proposal import worth_running
    from ccfpy.console.inbox import titles_of
    from ccfpy.console.what_if import WhatIf

    found = await _summaries(connection)
    wanted = worth_running(found)
    titles = await titles_of(connection, wanted, WhatIf) if wanted else {}
    return found, titles


async def _summaries(connection: "Connection") -> "list[Summary]":
    from ccfpy.client.review.proposal import summaries
    from ccfpy.client.review.public_state import read_public_state
    from ccfpy.service.tables.proposals import COSE_RECENT_PROPOSALS, INFO, PROPOSALS

    tables = (INFO, PROPOSALS, COSE_RECENT_PROPOSALS)
    return summaries(await read_public_state(connection, only=tables))


async def _listed(connection: "Connection") -> list[JsonObject]:
    """Return what the service lists, with the names of each proposal's actions."""
    actions: dict[str, Json] = {
        str(summary.proposal_id): list(summary.actions)
        for summary in await _summaries(connection)
    }
    return [
        {**fields, "actions": actions.get(str(fields.get("proposalId")), [])}
        for fields in await listed_proposals(connection)
    ]


@with_options
def actions(
    name: Annotated[
        str | None, typer.Argument(help="Only actions whose name contains this.")
    ] = None,
    *,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """List the actions that members may propose, with each action's arguments.

    The service's constitution is asked, on this machine. An argument in brackets may be
    left out. Arguments that the constitution does not check are not listed.
    """
    found = [
        each
        for each in run(where.find(), _definitions)
        if name is None or name in each.name
    ]
    if not found:
        raise CommandFailed(
            f"no action has {name!r} in its name: see ccfpy gov actions"
        )
    if json:
        print_json([_as_json(each) for each in found])
        return
    print_definitions(found)


def print_definitions(found: "Sequence[Definition]") -> None:
    """Print actions and their arguments, which ``definitions`` has marked already."""
    from ccfpy.cli.terminal import text_console
    from ccfpy.client.review.actions import purpose

    console = text_console()
    for each in found:
        known = purpose(each.name)
        console.shown(f"{each.name}: {known}" if known else each.name, "", {})
        for argument in each.arguments:
            console.shown(f"    {_line(argument)}", "", {})


async def _definitions(connection: "Connection") -> "list[Definition]":
    from ccfpy.client.review.dry_run import definitions
    from ccfpy.client.review.public_state import read_public_state

    return definitions(await read_public_state(connection))


def _line(argument: "Argument") -> str:
    name = argument.name if argument.is_required else f"[{argument.name}]"
    return f"{name}: {argument.wanted}" if argument.wanted else name


def _as_json(definition: "Definition") -> dict[str, object]:
    return {
        "name": definition.name,
        "arguments": [
            {"name": each.name, "required": each.is_required, "wanted": each.wanted}
            for each in definition.arguments
        ],
    }
