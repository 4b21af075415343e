"""What the log says of an exception, with the author's lines beside it."""

from pathlib import Path

from ccfpy.devtools.script_traces import FailureReader

HEAD = "2026-11-29T15:41:33.575896Z        0   [fail ][app] enclave:0     | "
ID = "8cc7dc4d463c0ac5"


def test_a_failure_has_its_exceptions_with_the_authors_lines(tmp_path: Path) -> None:
    app = tmp_path / "notes.py"
    app.write_text("one\n  two(three)\n")
    places = f"{app}:2 read < endpoints/binding.py:195 without_arguments"
    (failure,) = FailureReader().read(
        [
            f"{HEAD}Unhandled ValueError in GET /app/bad (id {ID})",
            f"{HEAD}id {ID}: ValueError (two (of it) at x) at {places}",
            f"{HEAD}id {ID}: after KeyError at {app}:1 deeper",
        ]
    )
    assert (failure.where, failure.how) == ("GET /app/bad", "Unhandled ValueError")
    thrown, before = failure.links
    assert (thrown.thrown, before.thrown) == (
        "ValueError: two (of it) at x",
        "KeyError",
    )
    own, ours = thrown.frames
    assert (str(own), own.excerpt, own.is_own) == (
        f"at read ({app}:2)",
        "two(three)",
        True,
    )
    assert not ours.is_own


def test_each_failure_ends_where_another_begins() -> None:
    lines = [
        f"{HEAD}something else",
        f"{HEAD}Unhandled A in GET /app/a (id {ID})",
        f"{HEAD}id 0000000000000000: B at nowhere",
        f"{HEAD}Unhandled B in GET /app/b (id {ID})",
        f"{HEAD}id {ID}: B at nowhere",
    ]
    first, second = FailureReader().read(lines)
    assert (first.where, first.links) == ("GET /app/a", ())
    assert [frame.place for frame in second.links[0].frames] == ["nowhere"]
