"""Endorsements between the identities of one service."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, Identity

THIRD = Identity(3)
ROOT = sha256(b"root")
FIRST_KEY, SECOND_KEY, THIRD_KEY = (
    each.key.public_key.der for each in (FIRST, SECOND, THIRD)
)
OPENED = IdentityEndorsement.make(
    FIRST.key, FIRST_KEY, Epoch(begin=TxId(2, 1)), issued_at=ISSUED_AT
)
RECOVERED = IdentityEndorsement.make(
    SECOND.key,
    FIRST_KEY,
    Epoch(begin=TxId(2, 1), end=TxId(2, 20), last_root=ROOT),
    issued_at=ISSUED_AT,
    previous_version=7,
)
RECOVERED_AGAIN = IdentityEndorsement.make(
    THIRD.key,
    SECOND_KEY,
    Epoch(begin=TxId(4, 21), end=TxId(4, 30), last_root=ROOT),
    issued_at=ISSUED_AT,
    previous_version=25,
)


@pytest.mark.parametrize(
    "endorsement", [OPENED, RECOVERED, RECOVERED_AGAIN], ids=["open", "one", "two"]
)
def test_an_endorsement_reads_back_and_holds(endorsement: IdentityEndorsement) -> None:
    assert IdentityEndorsement.parse(endorsement.serialise()) == endorsement
    endorsement.verify()
    is_self_endorsed = endorsement.endorsing_key == endorsement.endorsed_key
    assert is_self_endorsed is (endorsement is OPENED)


def test_the_record_and_its_headers_are_ccfs() -> None:
    fields = json.loads(RECOVERED.serialise())
    assert sorted(fields) == [
        "endorsement",
        "endorsement_epoch_begin",
        "endorsement_epoch_end",
        "endorsing_key",
        "previous_version",
    ]
    message = cose.parse(base64.b64decode(fields["endorsement"]))
    assert list(message.protected.items()) == [
        (1, -35),
        (15, {6: ISSUED_AT}),
        (
            "ccf.v1",
            {
                "epoch.start.txid": "2.1",
                "epoch.end.txid": "2.20",
                "epoch.end.merkle.root": ROOT,
            },
        ),
    ]
    assert message.payload == FIRST_KEY
    opened = json.loads(OPENED.serialise())
    assert "endorsement_epoch_end" not in opened
    assert "previous_version" not in opened


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(RECOVERED.serialise()), **fields}).encode()


def test_an_endorsement_by_another_key_does_not_hold() -> None:
    stolen = changed(endorsing_key=base64.b64encode(THIRD_KEY).decode())
    with pytest.raises(VerificationFailed):
        IdentityEndorsement.parse(stolen).verify()


@pytest.mark.parametrize(
    "fields",
    [
        {"endorsement": "!"},
        {"endorsement": ""},
        {"endorsing_key": None},
        {"endorsement_epoch_begin": "2.2"},
        {"endorsement_epoch_begin": "x"},
        {"endorsement_epoch_end": "2.21"},
        {"endorsement_epoch_end": None},
        {"previous_version": "7"},
    ],
    ids=str,
)
def test_a_record_that_disagrees_with_what_it_signs_is_malformed(
    fields: dict[str, object],
) -> None:
    with pytest.raises(Malformed):
        IdentityEndorsement.parse(changed(**fields))


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"ccf.v1": 1},
        {"ccf.v1": {}},
        {"ccf.v1": {"epoch.start.txid": "2.1", "epoch.end.txid": 1}},
        {"ccf.v1": {"epoch.start.txid": "2.1", "epoch.end.merkle.root": "r"}},
        {"ccf.v1": {"epoch.start.txid": "0.1"}},
    ],
    ids=str,
)
def test_headers_that_name_no_epoch_are_malformed(header: cose.Header) -> None:
    data = cose.sign(SECOND.key, protected=header, payload=FIRST_KEY)
    with pytest.raises(Malformed):
        IdentityEndorsement.parse(changed(endorsement=base64.b64encode(data).decode()))


def test_a_detached_endorsement_is_malformed() -> None:
    header: cose.Header = {"ccf.v1": {"epoch.start.txid": "2.1"}}
    data = cose.sign(SECOND.key, protected=header, payload=FIRST_KEY, detached=True)
    with pytest.raises(Malformed, match="without the endorsed key"):
        IdentityEndorsement.parse(changed(endorsement=base64.b64encode(data).decode()))


@given(st.data())
def test_a_flipped_bit_never_changes_what_is_vouched_for(data: st.DataObject) -> None:
    value = bytearray(RECOVERED.serialise())
    value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    with suppress(CcfpyError):
        endorsement = IdentityEndorsement.parse(bytes(value))
        endorsement.verify()
        assert endorsement.endorsed_key == FIRST_KEY
        assert endorsement.epoch == RECOVERED.epoch
