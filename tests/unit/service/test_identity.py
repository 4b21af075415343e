"""Each service key vouches for the one before it, for the epoch it ruled."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.base.ports import Entropy
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.identity_endorsement import IdentityEndorsement, after_recovery
from ccfpy.service.opening import before_recovery, endorse_previous_identity
from ccfpy.service.records import Refused
from ccfpy.service.tables import service
from ccfpy.service.tables.service import ServiceInfo

NOW_S = 1_700_000_000


def new_key(entropy: Entropy) -> KeyPair:
    return KeyPair.generate(entropy, Curve.SECP384R1)


def endorsed(store: Store, key: KeyPair, created: TxId) -> IdentityEndorsement:
    tx = store.begin()
    info = ServiceInfo(cert="CERT", current_service_create_txid=created)
    service.INFO.of(tx).put(info)
    endorse_previous_identity(tx, key, NOW_S)
    endorsement = service.PREVIOUS_IDENTITY_ENDORSEMENT.of(tx).get()
    assert endorsement is not None
    endorsement.verify()
    store.commit(tx)
    return endorsement


def test_the_first_service_endorses_itself_without_end(
    store: Store, entropy: Entropy
) -> None:
    endorsement = endorsed(store, new_key(entropy), TxId(2, 1))
    assert endorsement.endorsing_key == endorsement.endorsed_key
    assert (endorsement.epoch.begin, endorsement.epoch.end) == (TxId(2, 1), None)
    assert endorsement.previous_version is None


def test_a_recovered_service_endorses_the_epochs_before_it(
    store: Store, entropy: Entropy
) -> None:
    keys = [new_key(entropy) for _ in range(3)]
    endorsed(store, keys[0], TxId(2, 1))
    tx = store.begin()
    service.PREVIOUS_LAST_SIGNED_ROOT.of(tx).put("0a" * 32)
    store.commit(tx)
    second = endorsed(store, keys[1], TxId(5, 41))
    assert second.endorsed_key == keys[0].public_key.der
    assert (second.epoch.begin, second.epoch.end) == (TxId(2, 1), TxId(3, 40))
    assert second.epoch.last_root == b"\x0a" * 32
    assert second.previous_version == 1
    third = endorsed(store, keys[2], TxId(9, 90))
    assert (third.epoch.begin, third.epoch.end) == (TxId(5, 41), TxId(7, 89))
    assert third.endorsed_key == keys[1].public_key.der


def test_an_epoch_ends_where_the_next_begins() -> None:
    assert after_recovery(before_recovery(TxId(4, 10))) == TxId(4, 10)


def test_a_service_without_history_cannot_endorse(
    store: Store, tx: Tx, entropy: Entropy
) -> None:
    with pytest.raises(Refused, match="created it"):
        endorse_previous_identity(tx, new_key(entropy), NOW_S)
    key = new_key(entropy)
    endorsed(store, key, TxId(2, 1))
    with pytest.raises(Refused, match="no last signed root"):
        endorsed(store, key, TxId(4, 9))
