"""What a terminal gets of texts that others chose."""

import json
import os
import pty
import sys

import pytest

from ccfpy.cli.output import (
    ask,
    note,
    one_line,
    print_json,
    print_line,
    print_lines,
    write,
)
from tests.attacks import attack

HOSTILE = (
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "a\rb",
    "a\x08b",
    "\u202egnp.exe",
    "a\u2066b",
    "zero\u200bwidth",
    "\u3164",
    "a\ufe00",
    "\ud800",
    "a\u2028b",
    "\x7f",
)


def _is_seen(text: str) -> bool:
    return text.isprintable() and not set(text) & set("\u3164\ufe00")


@attack("tools: text that moves the cursor, hides or turns a line around")
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_nobody_sees_is_written_so_that_it_is_seen(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    print_line(f"before {text} after")
    note(f"before {text} after")
    ask(f"is it {text}?")
    shown = capfd.readouterr()
    for line in (*shown.out.splitlines(), *shown.err.splitlines()):
        assert _is_seen(line)
    assert len(shown.out.splitlines()) == 1


def test_a_text_on_one_line_stays_there(capfd: pytest.CaptureFixture[str]) -> None:
    print_line("a\nccfpy: all is well")
    note("no\nccfpy: all is well")
    print_lines("a\nb\x1b\n")
    shown = capfd.readouterr()
    assert shown.out.splitlines() == ["a⟦U+000A⟧ccfpy: all is well", "a", "b⟦U+001B⟧"]
    assert shown.err.splitlines() == ["no", "    ccfpy: all is well"]


def test_only_line_feeds_end_lines(capfd: pytest.CaptureFixture[str]) -> None:
    for end in "\v\f\x1c\x85\u2028\u2029":  # as lines end for Python
        print_lines(f"a{end}b")
        note(f"a{end}b")
        shown = capfd.readouterr()
        assert shown.out == shown.err == f"a⟦U+{ord(end):04X}⟧b\n"


def test_many_spaces_take_little_time() -> None:
    text = "é" + " " * 100_000
    assert one_line(text) == text


def test_what_is_seen_as_itself_stays() -> None:
    for text in ("", "plain", "été", "漢字", "✓ done → 5 │ x…", "[bold]a[/x]y:1"):
        assert one_line(text) == text


@pytest.mark.parametrize("text", [*HOSTILE[:10], *HOSTILE[11:], "é", "\U000e0041"])
def test_json_has_the_same_value_and_shows_it(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    print_json({"text": text})
    shown = capfd.readouterr().out
    assert json.loads(shown) == {"text": text}
    assert _is_seen(shown.rstrip("\n"))


def test_bytes_go_into_a_pipe_as_they_are(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    write(b"\x1b[2J\xff\n")
    assert capfdbinary.readouterr().out == b"\x1b[2J\xff\n"


def test_bytes_are_text_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        write(b"\x1b[2J\xff\x9b31m\n")
        monkeypatch.undo()
        shown = os.read(reader, 1000)
    os.close(reader)
    assert shown.decode() == "⟦U+001B⟧[2J\\xff\\x9b31m\r\n"
