"""Shares go to the active recovery members, and enough of them open the ledger."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import MemberId, NodeId
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import NodeStatus, RecoveryRole, ServiceStatus
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service import shares
from ccfpy.service.members import NewMember, activate_member, add_member
from ccfpy.service.refusal import Refused
from ccfpy.service.tables import nodes, recovery, service
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import ServiceConfiguration, ServiceInfo


@pytest.fixture
def secrets(entropy: Entropy) -> LedgerSecrets:
    return LedgerSecrets([(1, LedgerSecret.generate(entropy))])


@pytest.fixture
def consortium(tx: Tx, people: tuple[Any, ...]) -> Callable[..., None]:
    def found(*roles: RecoveryRole, threshold: int) -> None:
        info = ServiceInfo(cert="CERT", status=ServiceStatus.OPEN)
        service.INFO.of(tx).put(info)
        configuration = ServiceConfiguration(recovery_threshold=threshold)
        service.CONFIGURATION.of(tx).put(configuration)
        for person, role in zip(people, roles, strict=False):
            new = NewMember(
                cert=person.certificate,
                encryption_pub_key=person.encryption_pub_key,
                recovery_role=role,
            )
            activate_member(tx, add_member(tx, new))

    return found


PARTICIPANT, OWNER = RecoveryRole.PARTICIPANT, RecoveryRole.OWNER


class Person(Protocol):
    @property
    def member_id(self) -> MemberId: ...

    @property
    def encryption(self) -> RsaKeyPair: ...


def decrypted(tx: Tx, person: Person) -> bytes:
    encrypted = shares.encrypted_share(tx, person.member_id)
    assert encrypted is not None
    return person.encryption.unwrap(encrypted)


def hand_in(tx: Tx, person: Person, secrets: LedgerSecrets, entropy: Entropy) -> int:
    return shares.submit(
        tx,
        person.member_id,
        decrypted(tx, person),
        current=secrets.latest[1],
        entropy=entropy,
    )


def test_a_threshold_of_participants_wins_back_the_secret(
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, PARTICIPANT, PARTICIPANT, threshold=2)
    shares.issue(tx, secrets, entropy)
    current = secrets.latest[1]
    assert hand_in(tx, people[0], secrets, entropy) == 1
    with pytest.raises(VerificationFailed):
        shares.combine(tx, current)
    assert hand_in(tx, people[2], secrets, entropy) == 2
    assert shares.combine(tx, current).raw == current.raw
    shares.clear_submitted(tx)
    assert recovery.SUBMITTED_SHARES.of(tx).size() == 0
    assert shares.encrypted_share(tx, people[3].member_id) is None


def test_an_owner_needs_nobody_else(
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, PARTICIPANT, OWNER, threshold=2)
    shares.issue(tx, secrets, entropy)
    hand_in(tx, people[2], secrets, entropy)
    assert shares.combine(tx, secrets.latest[1]).raw == secrets.latest[1].raw


@pytest.mark.parametrize(
    ("roles", "threshold"),
    [
        ((), 1),
        ((PARTICIPANT,), 0),
        ((PARTICIPANT,), 2),
        ((PARTICIPANT, OWNER), 2),
        ((OWNER, OWNER), 2),
    ],
)
def test_members_and_threshold_must_fit(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
    roles: tuple[RecoveryRole, ...],
    threshold: int,
) -> None:
    consortium(*roles, threshold=threshold)
    with pytest.raises(Refused):
        shares.shuffle(tx, secrets, entropy)
    assert not recovery.SHARES.of(tx).has()


def test_owners_alone_recover_with_threshold_one(
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(OWNER, threshold=1)
    shares.issue(tx, secrets, entropy)
    hand_in(tx, people[0], secrets, entropy)
    assert shares.combine(tx, secrets.latest[1]).raw == secrets.latest[1].raw


def test_opening_records_from_where_the_secret_applies(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    shares.issue(tx, secrets, entropy)
    assert recovery.PAST_SECRETS.of(tx).raw.get(bytes(8)) == b'{"next_version":1}'


def test_shuffling_leaves_the_record_alone(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    shares.shuffle(tx, secrets, entropy)
    assert recovery.SHARES.of(tx).has()
    assert not recovery.PAST_SECRETS.of(tx).has()


def test_a_rekey_reaches_trusted_nodes_and_chains_to_the_old_secret(
    store: Store,
    tx: Tx,
    people: tuple[Any, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    shares.issue(tx, secrets, entropy)
    node_key: RsaKeyPair = people[3].encryption
    for name, status in (("a", NodeStatus.TRUSTED), ("b", NodeStatus.PENDING)):
        nodes.INFO.of(tx).put(
            NodeId(name),
            NodeInfo(
                node_to_node_interface=NetInterface(bind_address="h:1"),
                quote_info=QuoteInfo(
                    format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
                ),
                encryption_pub_key=node_key.public_key.pem,
                status=status,
            ),
        )
    store.commit(tx)
    tx = store.begin()
    shares.rekey(tx, secrets, entropy)
    sent = recovery.ENCRYPTED_LEDGER_SECRETS.of(tx).get()
    assert sent is not None
    assert set(sent) == {"a"}
    fresh = node_key.unwrap(sent[NodeId("a")][0].encrypted_secret)
    record = recovery.PAST_SECRETS.of(tx).get()
    assert record is not None
    assert record.next_version is None
    assert record.previous is not None
    assert record.previous.version == 1
    assert record.previous.previous_stored == 1
    hand_in(tx, people[0], secrets, entropy)
    assert shares.combine(tx, secrets.latest[1]).raw == fresh
    assert fresh != secrets.latest[1].raw


def test_a_rekey_meanwhile_makes_shares_conflict(
    store: Store,
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    store.commit(tx)
    tx = store.begin()
    shares.shuffle(tx, secrets, entropy)
    reads = tx.handles["public:ccf.internal.encrypted_ledger_secrets"].reads
    assert bytes(8) in reads


def test_nothing_is_known_before_shares_are_issued(
    tx: Tx, people: tuple[Any, ...]
) -> None:
    with pytest.raises(Refused, match="current recovery shares info"):
        shares.encrypted_share(tx, people[0].member_id)
    with pytest.raises(Refused, match="No active configuration"):
        shares.recovery_threshold(tx)


@pytest.mark.parametrize(
    "status", [status for status in ServiceStatus if status is not ServiceStatus.OPEN]
)
def test_only_an_open_service_begins_a_new_secret(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
    status: ServiceStatus,
) -> None:
    with pytest.raises(Refused, match="service is not open"):
        shares.rekey(tx, secrets, entropy)
    consortium(PARTICIPANT, threshold=1)
    service.INFO.of(tx).put(ServiceInfo(cert="CERT", status=status))
    with pytest.raises(Refused, match="service is not open"):
        shares.rekey(tx, secrets, entropy)
