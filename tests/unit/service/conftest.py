"""A store, entropy, ledger secrets, and members with keys of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from ccfpy.base.ids import MemberId
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import RecoveryRole, ServiceStatus
from ccfpy.crypto.certs import node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service import shares
from ccfpy.service.members import NewMember, activate_member, add_member
from ccfpy.service.tables import service
from ccfpy.service.tables.service import ServiceConfiguration, ServiceInfo
from ccfpy.testing.entropy import SeededEntropy

PARTICIPANT, OWNER = RecoveryRole.PARTICIPANT, RecoveryRole.OWNER


@dataclass(frozen=True)
class Person:
    """Somebody with a certificate, and an encryption key for shares."""

    member_id: MemberId
    certificate: str
    encryption: RsaKeyPair

    @property
    def encryption_pub_key(self) -> str:
        return self.encryption.public_key.pem


@pytest.fixture
def entropy() -> SeededEntropy:
    return SeededEntropy(b"test")


@pytest.fixture(scope="session")
def people() -> tuple[Person, ...]:
    entropy = SeededEntropy(b"people")
    made = []
    for number in range(4):
        certificate = node_self_signed(
            KeyPair.generate(entropy, Curve.SECP384R1),
            subject=f"CN=member{number}",
            sans=(),
            not_before=datetime(2024, 1, 1, tzinfo=UTC),
            validity_days=1,
            entropy=entropy,
        )
        encryption = RsaKeyPair.generate(entropy)
        member_id = MemberId(certificate.digest_hex)
        made.append(Person(member_id, certificate.pem, encryption))
    return tuple(made)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def tx(store: Store) -> Tx:
    return store.begin()


Write = Callable[[Callable[[Tx], None]], None]


@pytest.fixture
def write(store: Store) -> Write:
    """Run a function in a transaction and commit it."""

    def run(change: Callable[[Tx], None]) -> None:
        tx = store.begin()
        change(tx)
        store.commit(tx)

    return run


@pytest.fixture
def secrets(entropy: Entropy) -> LedgerSecrets:
    return LedgerSecrets([(1, LedgerSecret.generate(entropy))])


@pytest.fixture
def consortium(tx: Tx, people: tuple[Person, ...]) -> Callable[..., None]:
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
