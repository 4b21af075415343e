"""The choice among several services to recover: named, asked for, or refused."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.audit.discovery import find
from ccfpy.audit.inspection import Inspection, inspect
from ccfpy.audit.readers import Readers
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.recover_choice import choose_service
from tests.unit.audit.made import written
from tests.unit.cli.test_confirm import Terminal
from tests.unit.ledger.made import FIRST, SECOND, MadeLedger, small_ledger


@pytest.fixture
def two(tmp_path: Path) -> Inspection:
    other = MadeLedger(identity=SECOND)
    other.put(SECOND.create())
    other.sign()
    written(small_ledger(), tmp_path / "a")
    written(other, tmp_path / "b")
    return inspect(find([tmp_path]), Readers())


def test_it_is_named_by_its_digest_in_either_case(two: Inspection) -> None:
    for identity in (FIRST, SECOND):
        digest = identity.certificate.digest_hex
        for name in (digest[:6], digest[:6].upper(), digest):
            chosen = choose_service(two, name, None, asks=False)
            assert chosen.certificate.digest_hex == digest


def test_who_is_at_the_terminal_is_asked(
    two: Inspection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("2\n"))
    chosen = choose_service(two, None, None, asks=True)
    assert chosen is two.services[1]
    asked = capsys.readouterr().err
    for service in two.services:
        name = service.certificate.digest_hex[:8]
        assert f"{name}  {service.chain.status}, ends at {service.chain.last}" in asked


def test_a_script_is_told_what_to_say(
    two: Inspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("1\n"))
    with pytest.raises(Misused, match="choose with --service one of"):
        choose_service(two, None, None, asks=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    with pytest.raises(Misused, match="choose with --service one of"):
        choose_service(two, None, None, asks=True)


def test_a_service_with_which_no_node_can_begin_is_refused(two: Inspection) -> None:
    service = two.services[0]
    late = replace(service.chain, segments=service.chain.segments[1:])
    found = replace(two, services=[replace(service, chain=late)])
    with pytest.raises(CommandFailed, match="no snapshot is of the identity"):
        choose_service(found, None, None, asks=False)
