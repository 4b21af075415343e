"""How far an audit came, kept in a file."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.audit.auditor import Auditor, AuditState
from ccfpy.audit.checkpoint import load, parse, save, serialise
from ccfpy.base.errors import CcfpyError, Malformed
from tests.unit.ledger.made import recovered_ledger


def place_of() -> AuditState:
    ledger = recovered_ledger()
    ledger.sign(close=True)
    auditor = Auditor()
    for file in ledger.files():
        list(auditor.read(file))
    state = auditor.state
    assert state is not None
    return state


PLACE = place_of()


def test_a_place_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    assert load(path) is None
    save(PLACE, path)
    assert load(path) == PLACE
    save(PLACE, path)
    assert [each.name for each in tmp_path.iterdir()] == ["audit.json"]


def test_a_place_without_a_service_is_one() -> None:
    fields = orjson.loads(serialise(PLACE))
    fields |= {"status": None, "service": None, "previous_service": None}
    checkpoint = parse(orjson.dumps(fields))
    assert checkpoint.trust.service is None
    assert checkpoint.trust.status is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "ccfpy audit 2"),
        ("format", None),
        ("last_signed", "x"),
        ("last_signed", "2.3"),
        ("last_root", "00"),
        ("tree", ""),
        ("view", 0),
        ("signatures", "many"),
        ("signature_at", ["ledger_1"]),
        ("signed_end", [1, "ledger_1"]),
        ("status", "Closed"),
        ("service", "no certificate"),
        ("nodes", {"n": "Absent"}),
        ("nodes", {"n": 1}),
        ("nodes", []),
        ("certificates", {"n": "no certificate"}),
    ],
    ids=str,
)
def test_what_is_no_place_is_malformed(name: str, value: object) -> None:
    fields = orjson.loads(serialise(PLACE))
    with pytest.raises(Malformed):
        parse(orjson.dumps({**fields, name: value}))


@given(st.binary(max_size=200))
def test_noise_is_malformed(data: bytes) -> None:
    with pytest.raises(CcfpyError):
        parse(data)
