"""``ccfpy completion``: the words that a shell offers when TAB is pressed.

The script that the command prints makes the shell run ``ccfpy`` at each TAB, with the
words typed so far in the environment. The program then answers with words in place of
running a command. Scripts and answers are Typer's.
"""

import os
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script

from ccfpy.cli.entries import COMPLETION_VARIABLE
from ccfpy.cli.output import write


class Shell(StrEnum):
    """A shell with programmable completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Whose script is printed.")],
) -> None:
    """Print a shell's script that completes commands.

    No file of the shell is changed: say eval "$(ccfpy completion bash)" in ~/.bashrc,
    the same with zsh in ~/.zshrc behind compinit, or write what is printed into
    ~/.config/fish/completions/ccfpy.fish.
    """
    script = get_completion_script(
        prog_name="ccfpy", complete_var=COMPLETION_VARIABLE, shell=shell.value
    )
    write(script.encode() + b"\n")


def typed_words() -> Sequence[str]:
    """Return the whole words that were typed behind the program's name.

    The word at the cursor is left out. Quotes are not looked at: they do not occur in
    the names of commands.
    """
    if "COMP_WORDS" in os.environ:  # of bash
        count = os.environ.get("COMP_CWORD", "")
        words = os.environ["COMP_WORDS"].split()
        return words[1 : int(count)] if count.isdecimal() else []
    line = os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()[1:]
    return words if line.endswith(" ") else words[:-1]
