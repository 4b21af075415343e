"""A service that was recovered twice proves what all its earlier selves wrote."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.client import receipts
from ccfpy.client.cose_receipt import CoseReceipt, links
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.receipt import ReceiptRefused, ReceiptStep
from ccfpy.testing.node import START_UNIX_US
from tests.interop.environments import Tools
from tests.interop.recovered import RECOVERIES, Given, RecoveredService, make_recovered


@pytest.fixture(scope="module")
def service() -> RecoveredService:
    return make_recovered()


@pytest.fixture(scope="module")
def given(service: RecoveredService) -> list[Given]:
    return service.all()


def _claims(each: Given) -> bytes:
    return sha256(each.claim) if each.claim else NO_CLAIMS


def test_there_are_receipts_of_every_kind_and_time(given: list[Given]) -> None:
    for age in range(RECOVERIES + 1):
        of_age = [each for each in given if each.age == age]
        assert {len(each.endorsements) for each in of_age} == {age}
        counts = {len(_endorsements(each.v2)) for each in of_age}
        assert counts == {min(age, 1)}
        assert sum(bool(each.claim) for each in of_age) == 2
        assert [each.cose is None for each in of_age] == [False, False, False, True]
        assert [each.v2["is_signature_transaction"] for each in of_age] == [
            False,
            False,
            False,
            True,
        ]


def _endorsements(receipt: JsonObject) -> list[object]:
    listed = receipt["service_endorsements"]
    assert isinstance(listed, list)
    return list(listed)


def test_our_verifier_accepts_all_of_them(
    service: RecoveredService, given: list[Given]
) -> None:
    today = Certificate.from_pem(service.certificate)
    for each in given:
        for fields in (each.v1, each.v2):
            receipt = receipts.parse(json.dumps(fields))
            is_signature = each.cose is None
            taken = receipts.verify(
                receipt,
                today,
                txid=None if is_signature else each.txid,
                claims_digest=None if is_signature else _claims(each),
            )
            assert len(taken) == len(ReceiptStep)
        if each.cose is not None:
            receipts.verify(
                receipts.parse(each.cose),
                today,
                txid=each.txid,
                claims_digest=_claims(each),
                endorsements=each.endorsements,
            )


def test_nothing_of_an_earlier_time_verifies_without_endorsements(
    service: RecoveredService, given: list[Given]
) -> None:
    today = Certificate.from_pem(service.certificate)
    for each in given:
        if not each.age:
            continue
        bare = {**each.v2, "service_endorsements": []}
        with pytest.raises(ReceiptRefused) as refused:
            receipts.verify(receipts.parse(json.dumps(bare)), today)
        assert refused.value.step is ReceiptStep.ENDORSEMENT
        if each.cose is not None:
            with pytest.raises(ReceiptRefused) as refused:
                receipts.verify(receipts.parse(each.cose), today)
            assert refused.value.step is ReceiptStep.SIGNATURE


def test_endorsements_of_another_time_do_not_do(
    service: RecoveredService, given: list[Given]
) -> None:
    key = Certificate.from_pem(service.certificate).public_key
    chains = {each.age: each.endorsements for each in given}
    for each in given:
        for age, chain in chains.items():
            if each.cose is None or age == each.age:
                continue
            with pytest.raises(ReceiptRefused):
                CoseReceipt.parse(each.cose).verify(key, endorsements=chain)


def test_each_endorsement_names_the_last_root_of_its_time(
    service: RecoveredService, given: list[Given]
) -> None:
    key = Certificate.from_pem(service.certificate).public_key
    chain = max((each.endorsements for each in given), key=len)
    for _, epoch in links(chain, key):
        assert epoch.end is not None
        last = service.give(0, epoch.end, b"")
        assert last.v2["is_signature_transaction"] is True
        assert last.v2["leaf"] == (epoch.last_root or b"").hex()


def test_ccfs_package_accepts_all_json_receipts(
    service: RecoveredService, given: list[Given], tools: Tools
) -> None:
    then = datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC) + timedelta(hours=3)
    question = {
        "receipts": [fields for each in given for fields in (each.v1, each.v2)],
        "service_certificate": service.certificate,
        "time": then.replace(tzinfo=None).isoformat(),
    }
    tools.answer("check_receipts.py", stdin=json.dumps(question))


def test_ccfs_package_accepts_cose_receipts_over_endorsements(
    service: RecoveredService, given: list[Given], tools: Tools
) -> None:
    for each in given:
        if each.cose is None or not each.claim:
            continue
        question: JsonObject = {
            "receipt": b64encode(each.cose).decode(),
            "claims_digest": _claims(each).hex(),
            "service_certificate": service.certificate,
            "endorsements": [b64encode(link).decode() for link in each.endorsements],
        }
        program = "check_cose_receipt.py"
        signed = tools.answer(program, stdin=json.dumps(question))
        assert signed.startswith(b"%d." % each.txid.view)
        question["endorsements"] = []
        if each.age:
            done = tools.program(program, stdin=json.dumps(question))
            assert done.returncode != 0
