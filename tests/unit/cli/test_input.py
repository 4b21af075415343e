import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.input import choose, confirm, read_certificate, read_input


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff")
    assert read_input(tmp_path / "file") == b"\x00\xff"


@pytest.mark.parametrize("name", ["-", Path("-")])
def test_a_dash_is_stdin_with_its_bytes_unchanged(
    monkeypatch: pytest.MonkeyPatch, name: str | Path
) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(b"\r\n\xff"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_input(name) == b"\r\n\xff"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="missing"):
        read_input(tmp_path / "missing")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_who_has_no_certificate_is_told_how_to_name_one(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "service_cert.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandFailed, match="name it with --cacert"):
        read_certificate(file)


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


def test_one_of_several_is_chosen_by_its_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("0\n3\nblue\n\n 2 \n"))
    assert choose("Which?", ["red", "blue"], option="say so") == 1
    told = capsys.readouterr()
    assert told.err.startswith("  1  red\n  2  blue\nWhich? [1-2] ")
    assert told.err.count("Which?") == 5
    assert told.out == ""


def test_nobody_chooses_who_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    with pytest.raises(CommandFailed, match="no answer was given"):
        choose("Which?", ["red", "blue"], option="say so")
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    with pytest.raises(Misused, match=r"\(Which\?\): say so"):
        choose("Which?", ["red", "blue"], option="say so")
