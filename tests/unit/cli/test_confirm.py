"""A question is asked of somebody, or answered by an option."""

import io
import sys

import pytest

from ccfpy.cli.confirm import confirm
from ccfpy.cli.errors import CommandFailed, Misused


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """Be one."""
        return True


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " yes \n"])
def test_yes_goes_on(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    confirm("Go on?", yes=False)


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yesterday\n"])
def test_anything_else_does_not(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    with pytest.raises(CommandFailed, match="as you wished"):
        confirm("Go on?", yes=False)


def test_nobody_at_the_terminal_is_told_of_the_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(Misused, match="give --yes"):
        confirm("Go on?", yes=False)
    confirm("Go on?", yes=True)
