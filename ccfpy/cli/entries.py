"""Commands and groups of commands as tables, and the parser made of a table.

A group is a table of names, each with a summary and with what loads the command. Help
lists a group by its table. Only the command that was asked for is loaded, because
parsers of options cost more time than all else that help needs.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import typer

COMPLETION_VARIABLE = "_CCFPY_COMPLETE"
"""Set where a shell asks for words in place of running a command."""

HELP_STYLE: Final = None
"""Plain: the columns of Typer's tables cut long names of options."""

Command: TypeAlias = Callable[..., None]
"""A function whose parameters are the options."""


class Entry(NamedTuple):
    """A command, or a group of commands, as help lists it.

    Attributes:
        summary: the first sentence of the command's help.
        load: imports the module and returns the command, or the group's table.
    """

    summary: str
    load: "Callable[[], Command | Table]"


Table: TypeAlias = Mapping[str, Entry]
"""A group of commands, in the order in which help lists them."""


def is_whole() -> bool:
    """Return whether all of ccfpy is installed, and not ``ccfpy-client`` alone."""
    return find_spec("ccfpy.node") is not None


def installed(table: Table) -> Table:
    """Return the commands of a table whose modules are installed.

    The distribution ``ccfpy-client`` leaves out what only nodes and authors of apps
    need. A command's module has the command's name.
    """
    if is_whole():
        return table
    return {
        name: entry
        for name, entry in table.items()
        if find_spec(f"{__package__}.{name}")
    }


def add(application: "typer.Typer", table: Table, words: Sequence[str]) -> None:
    """Add the commands of a table to a parser.

    Args:
        application: the parser of the command line, or of a group.
        table: the commands.
        words: what was typed behind the parser's own name; the first word is the
            command that is loaded.
    """
    import typer

    for name, entry in table.items():
        if words[:1] != [name]:
            application.command(name, short_help=entry.summary)(_unloaded)
            continue
        face = entry.load()
        if isinstance(face, Mapping):
            group = typer.Typer(no_args_is_help=True, rich_markup_mode=HELP_STYLE)
            add(group, face, words[1:])
            application.add_typer(
                group, name=name, help=entry.summary, short_help=entry.summary
            )
        else:
            application.command(name)(face)


def commands_below(table: Table) -> list[list[str]]:
    """Return the words of each command and each group of a table, and of its groups."""
    found = []
    for name, entry in table.items():
        found.append([name])
        face = entry.load()
        if isinstance(face, Mapping):
            found += [[name, *words] for words in commands_below(face)]
    return found


def _unloaded() -> None:
    """Stand, in lists, for a command that was not asked for."""
