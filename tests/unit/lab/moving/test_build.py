"""A build of CCF is found by its variables, or not at all."""

import hashlib
from pathlib import Path

import pytest

from ccfpy.cli.node import PROGRAM
from tests.lab.moving.build import BUILD, SOURCE, Build, own_digest, own_placement


def test_without_a_variable_there_is_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BUILD, raising=False)
    assert Build.find() is None


def test_without_sources_the_constitution_is_ccfpys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(BUILD, str(tmp_path))
    monkeypatch.delenv(SOURCE, raising=False)
    build = Build.find()
    assert build is not None
    assert all(script.is_file() for script in build.constitution)


def test_the_constitution_of_the_sources_accepts_virtual_programs(
    tmp_path: Path,
) -> None:
    build = Build(folder=tmp_path, source=tmp_path / "source")
    names = [script.name for script in build.constitution]
    assert names.index("virtual_attestation_actions.js") == 1
    assert names[0] == "actions.js"


def test_a_node_proves_the_digest_of_its_program(tmp_path: Path) -> None:
    (tmp_path / "js_generic").write_bytes(b"program")
    build = Build(folder=tmp_path)
    assert build.digest("js_generic") == hashlib.sha256(b"program").hexdigest()
    program = build.placement("js_generic").program
    assert program is not None
    assert program[-1] == str((tmp_path / "js_generic").resolve())


def test_ccfpys_nodes_prove_the_digest_of_the_command() -> None:
    assert own_digest() == hashlib.sha256(PROGRAM.read_bytes()).hexdigest()


def test_ccfpys_nodes_ask_for_pre_votes_unless_they_are_told_not_to() -> None:
    told = own_placement(has_pre_vote=False).program
    assert told is not None
    assert list(told[-2:]) == ["--pre-vote", "off"]
    assert "--pre-vote" not in (own_placement().program or ())
