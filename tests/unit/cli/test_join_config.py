"""The files that a node needs to join are written once, for the primary."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.join_config import target_of
from ccfpy.client.survey import Survey
from tests.unit.cli.conftest import Command
from tests.unit.client.networked import UNTIL, answered, reported

BACKUP = replace(reported("a", answered(view=3)), interfaces={"main": "a.example:1"})
PRIMARY = replace(
    reported("b", answered(leads=True, view=3)),
    interfaces={"main": "b.example:1", "second": "b.example:2"},
)


def test_a_configuration_that_is_there_is_not_replaced(
    command: Command, tmp_path: Path, service_folder: Path
) -> None:
    (tmp_path / "node.json").write_text("{}")
    options = ["--listen", "127.0.0.1:1", "--common", service_folder]
    ended = command("network", "join-config", tmp_path, *options)
    assert ended.code == 2
    assert "is there already" in ended.err
    assert (tmp_path / "node.json").read_text() == "{}"


@pytest.mark.parametrize("option", ["--program", "--like"])
def test_a_file_that_is_missing_is_said_before_anybody_is_asked(
    command: Command, tmp_path: Path, service_folder: Path, option: str
) -> None:
    folder, missing = tmp_path / "new", tmp_path / "missing"
    words = ["--listen", "127.0.0.1:1", "--common", service_folder, option, missing]
    ended = command("network", "join-config", folder, *words)
    assert ended.code == 1
    assert ended.err.startswith(f"ccfpy: cannot use {missing}: no such file")
    assert not folder.exists()


def test_what_is_no_configuration_is_not_followed(
    command: Command, tmp_path: Path, service_folder: Path
) -> None:
    (tmp_path / "like.json").write_text("[]")
    words = ["--listen", "127.0.0.1:1", "--common", service_folder]
    like = ["--like", tmp_path / "like.json"]
    ended = command("network", "join-config", tmp_path / "new", *words, *like)
    assert ended.code == 2
    assert "is no configuration of a node" in ended.err


def test_the_target_is_the_primary_not_the_first_node() -> None:
    """A backup may have begun with a later snapshot than the primary's latest."""
    seen = Survey(status="Open", valid_until=UNTIL, nodes=[BACKUP, PRIMARY])
    assert target_of(seen) == ("main", "b.example:1")


def test_without_a_primary_there_is_no_target() -> None:
    for nodes in ([BACKUP], [replace(PRIMARY, interfaces={})]):
        with pytest.raises(CommandFailed, match="no primary answers"):
            target_of(Survey(status="Open", valid_until=UNTIL, nodes=nodes))
