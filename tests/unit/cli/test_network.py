from pathlib import Path

from tests.unit.cli.conftest import Command


def test_a_service_that_nobody_answers_for_is_said_in_a_sentence(
    command: Command, service_folder: Path
) -> None:
    where = ["--url", "https://127.0.0.1:1", "--common", service_folder]
    for words in (["status"], ["remove", "x"]):
        ended = command("network", *words, *where)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("ccfpy: no ")
        assert ended.err.count("\n") == 1


def test_a_table_that_is_watched_is_no_json(
    command: Command, service_folder: Path
) -> None:
    words = ["status", "--watch", "--json", "--common", service_folder]
    assert command("network", *words).code == 2
