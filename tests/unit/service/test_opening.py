"""A proposal opens the service it names and no other."""

from typing import Any

import pytest

from ccfpy.base.ids import TxId
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service.members import NewMember, activate_member, add_member
from ccfpy.service.opening import (
    Identities,
    ServiceKeys,
    await_shares,
    open_now,
    wants_to_open,
)
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.recovery import RecoveryType
from ccfpy.service.tables.service import ServiceConfiguration, ServiceInfo

THIS = Identities(previous=None, next="CERT")


def be(tx: Tx, status: ServiceStatus) -> None:
    service.INFO.of(tx).put(
        ServiceInfo(cert="CERT", status=status, current_service_create_txid=TxId(2, 1))
    )


def status_of(tx: Tx) -> ServiceStatus:
    info = service.INFO.of(tx).get()
    assert info is not None
    return info.status


@pytest.fixture
def keys(entropy: Entropy) -> ServiceKeys:
    return ServiceKeys(
        identity=KeyPair.generate(entropy, Curve.SECP384R1),
        ledger_secrets=LedgerSecrets([(1, LedgerSecret.generate(entropy))]),
        entropy=entropy,
        unix_time_s=1,
    )


def test_no_service_no_opening(tx: Tx) -> None:
    with pytest.raises(Refused, match="Service information cannot be found"):
        wants_to_open(tx, THIS)


@pytest.mark.parametrize(
    "status", [ServiceStatus.OPEN, ServiceStatus.WAITING_FOR_RECOVERY_SHARES]
)
def test_opening_twice_is_no_error_whatever_is_named(
    tx: Tx, status: ServiceStatus
) -> None:
    be(tx, status)
    assert not wants_to_open(tx, Identities(previous=None, next="OTHER"))


def test_another_services_certificate_is_refused(tx: Tx) -> None:
    be(tx, ServiceStatus.OPENING)
    assert wants_to_open(tx, THIS)
    with pytest.raises(Refused, match="Service identity mismatch"):
        wants_to_open(tx, Identities(previous=None, next="OTHER"))


def test_a_recovery_names_whom_it_succeeds(tx: Tx) -> None:
    be(tx, ServiceStatus.RECOVERING)
    with pytest.raises(Refused, match="requires both"):
        wants_to_open(tx, Identities(previous="OLD", next="CERT"))
    service.PREVIOUS_IDENTITY.of(tx).put("OLD")
    with pytest.raises(Refused, match="requires both"):
        wants_to_open(tx, THIS)
    with pytest.raises(
        Refused, match=r"does not match\.\nActual:\nOLD\nIn proposal:\nX"
    ):
        wants_to_open(tx, Identities(previous="X", next="CERT"))
    assert wants_to_open(tx, Identities(previous="OLD", next="CERT"))


def test_a_recovering_service_collects_shares_first(tx: Tx) -> None:
    be(tx, ServiceStatus.RECOVERING)
    await_shares(tx)
    assert status_of(tx) is ServiceStatus.WAITING_FOR_RECOVERY_SHARES
    how = recovery.LAST_RECOVERY_TYPE.of(tx).get()
    assert how is RecoveryType.RECOVERY_SHARES
    be(tx, ServiceStatus.OPENING)
    with pytest.raises(Refused, match="cannot become"):
        await_shares(tx)


def test_opening_issues_shares_and_endorses_the_identity(
    tx: Tx, keys: ServiceKeys, people: tuple[Any, ...]
) -> None:
    be(tx, ServiceStatus.OPENING)
    service.CONFIGURATION.of(tx).put(ServiceConfiguration(recovery_threshold=1))
    with pytest.raises(Refused, match="Failed to issue recovery shares: "):
        open_now(tx, keys)
    assert status_of(tx) is ServiceStatus.OPENING
    new = NewMember(
        cert=people[0].certificate, encryption_pub_key=people[0].encryption_pub_key
    )
    activate_member(tx, add_member(tx, new))
    open_now(tx, keys)
    assert status_of(tx) is ServiceStatus.OPEN
    assert recovery.SHARES.of(tx).has()
    assert service.PREVIOUS_IDENTITY_ENDORSEMENT.of(tx).has()
