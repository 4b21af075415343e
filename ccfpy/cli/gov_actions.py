"""``ccfpy gov actions``: what members may propose."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.gov_run import run
from ccfpy.cli.options import with_options
from ccfpy.cli.output import print_json
from ccfpy.cli.place import JsonOption, PlaceOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.client.connection import Connection
    from ccfpy.client.review.definitions import Argument, Definition


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
    from ccfpy.client.review.definitions import definitions
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
