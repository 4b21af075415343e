"""Receipts that CCF signed: the page verifies them, and refuses what was changed."""

import base64
from pathlib import Path

import pytest

from tests.e2e.console.modules import run
from tests.vectors.test_receipts import FILES, FOLDER

VERIFIES = """\
import { verifyReceipt } from "./receipt";
const compute = (receipt: string, service: string, about: object) =>
  verifyReceipt(receipt, service, about);
"""
STRIDE = 11
"""Each so many bytes one is changed: all of them would take a minute."""


def _text(data: bytes, name: str) -> str:
    if name.endswith(".cose"):
        return base64.b64encode(data).decode()
    return data.decode("latin-1")


def _service(name: str) -> str:
    return (FOLDER / name).with_suffix(".pem").read_text()


def _verified(given: list[list[object]]) -> list[list[str]]:
    """Return what came of each step of each receipt."""
    return [[str(step["holds"]) for step in steps] for steps in run(VERIFIES, given)]


def _good(name: str) -> list[str]:
    last = "not reached" if name.endswith(".cose") else "holds"
    return ["holds"] * 4 + [last]


def test_a_receipt_of_ccfs_verifies_against_its_own_service_alone() -> None:
    given: list[list[object]] = []
    expected = []
    for name in FILES:
        text = _text((FOLDER / name).read_bytes(), name)
        for other in FILES:
            is_own = _service(name) == _service(other)
            given.append([text, _service(other), {}])
            expected.append(is_own)
    results = _verified(given)
    assert [steps.count("does not hold") == 0 for steps in results] == expected
    assert all(_good(name) in results for name in FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_refused(name: str) -> None:
    data = (FOLDER / name).read_bytes().strip()
    given: list[list[object]] = [[_text(data, name), _service(name), {}]]
    for at in range(0, len(data), STRIDE):
        changed = bytearray(data)
        changed[at] ^= 1
        given.append([_text(bytes(changed), name), _service(name), {}])
    good, *others = _verified(given)
    assert good == _good(name)
    accepted = [
        (at * STRIDE, data[at * STRIDE :][:20])
        for at, steps in enumerate(others)
        if "does not hold" not in steps
    ]
    assert accepted == []


def test_a_receipt_is_of_the_transaction_and_of_the_claims_that_were_asked_for() -> (
    None
):
    name = "sgx-100.json"
    text, service = Path(FOLDER / name).read_text(), _service(name)
    questions: list[list[object]] = [
        [text, service, {"txid": "2.99"}],
        [text, service, {"claims": "other"}],
    ]
    evidence, leaf = _verified(questions)
    assert evidence[0] == "does not hold"
    assert leaf[:2] == ["holds", "does not hold"]
