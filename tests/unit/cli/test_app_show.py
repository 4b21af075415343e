"""The output of ``ccfpy app dev`` on requests and reloads."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.cli.app_show import Show
from ccfpy.cli.terminal import Terminal
from ccfpy.client.bundle import Bundle
from ccfpy.client.keys import KeyFiles, generate_keys
from ccfpy.crypto.ec import Curve
from ccfpy.devtools.desk import Faulty, Reloaded, Restarted
from ccfpy.devtools.script_traces import Failure, Frame, Link
from ccfpy.devtools.served import ServedRequest

BUNDLE = Bundle(
    metadata={"endpoints": {"/x": {"get": {}}}}, modules={"m.js": "one\n  two();\n"}
)
RELOADED = Reloaded(
    bundle=BUNDLE, changed=[Path("src/m.js")], remarks=["odd"], after_s=0.25
)
SERVED = ServedRequest(
    number=3,
    unix_time_us=1,
    method="PUT",
    path="/app/x",
    query="a=[b]",
    status=201,
    txid="2.7",
    elapsed_ms=4,
    lines=(("info", "hello [red]"),),
)
THREW = replace(
    SERVED, status=500, txid=None, thrown="Error: no", trace="    at f (m.js:2:3)\n"
)


class Shown:
    """A console, and what it printed."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        self._file = io.StringIO()
        console = Terminal(
            file=self._file, force_terminal=is_terminal, soft_wrap=True, highlight=False
        )
        self.show = Show(Path(), console, as_json=False)

    @property
    def lines(self) -> list[str]:
        return self._file.getvalue().splitlines()


def test_a_request_is_a_line_and_what_it_logged() -> None:
    shown = Shown()
    shown.show.tell(SERVED)
    assert shown.lines == [
        "#3 PUT /app/x?a=[b] → 201  2.7  4 ms  anybody",
        "    info: hello [red]",
    ]


def test_what_was_thrown_is_told_by_the_sources() -> None:
    shown = Shown()
    shown.show.tell(RELOADED)
    shown.show.tell(THREW)
    assert shown.lines == [
        "✓ serving 1 endpoint, 0.25 s after m.js changed",
        "! odd",
        "#3 PUT /app/x?a=[b] → 500  4 ms  anybody",
        "    info: hello [red]",
        "    Error: no",
        "      at f (m.js:2:3)",
        "        │ two();",
    ]


def test_faults_are_told_line_by_line() -> None:
    shown = Shown()
    shown.show.tell(Faulty(faults=["it failed\nhere", "and here"]))
    assert shown.lines == ["✗ it failed", "  here", "✗ and here"]


def test_colours_are_for_terminals() -> None:
    plain, coloured = Shown(), Shown(is_terminal=True)
    for shown in (plain, coloured):
        shown.show.tell(THREW)
    assert "\x1b[31m" in "".join(coloured.lines)
    assert "\x1b" not in "".join(plain.lines)


def test_callers_are_named_as_well_as_they_are_known(tmp_path: Path) -> None:
    made = generate_keys(
        KeyFiles(folder=tmp_path, name="ann"),
        curve=Curve.SECP256R1,
        with_encryption_key=False,
    )
    shown = Shown()
    shown.show.tell(replace(SERVED, lines=(), caller=made.pem))
    shown.show.know_caller(made.pem, "ann")
    shown.show.tell(replace(SERVED, lines=(), caller=made.pem))
    shown.show.tell(replace(SERVED, lines=(), headers={"authorization": "Bearer x"}))
    names = [line.split("  ")[-1] for line in shown.lines]
    assert names == [made.digest_hex[:8], "ann", "token"]


def test_programs_are_told_one_value_a_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    show = Show(Path(), Terminal(), as_json=True)
    for event in (RELOADED, THREW, Faulty(faults=["x"])):
        show.tell(event)
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [value["event"] for value in told] == ["reloaded", "request", "faulty"]
    assert told[0]["after_s"] == 0.25
    assert told[1]["trace"] == ["at f (m.js:2:3)"]
    assert told[1]["lines"] == [{"level": "info", "text": "hello [red]"}]
    assert told[2]["faults"] == ["x"]


FAILED = Failure(
    id="ab",
    how="Unhandled KeyError",
    where="GET /app/x",
    links=(
        Link(
            thrown="KeyError: 1",
            frames=(
                Frame(function="f", place="/a.py:2", excerpt="f[1]", is_own=True),
                Frame(function="call", place="ours.py:3"),
            ),
        ),
    ),
)


def test_an_exception_in_python_is_shown_with_the_authors_lines_alone() -> None:
    shown = Shown()
    shown.show.tell(FAILED)
    assert shown.lines == [
        "✗ GET /app/x: Unhandled KeyError",
        "    KeyError: 1",
        "      at f (/a.py:2)",
        "        │ f[1]",
    ]


def test_a_restart_says_what_changed_and_how_long_it_took() -> None:
    shown = Shown()
    shown.show.tell(Restarted(endpoints=["GET /app/x"]))
    shown.show.tell(
        Restarted(endpoints=["GET /app/x"], changed=[Path("a.py")], after_s=2.5)
    )
    assert shown.lines == [
        "✓ serving 1 endpoint",
        "✓ serving 1 endpoint, 2.50 s after a.py changed",
    ]
