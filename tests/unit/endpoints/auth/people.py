"""Keys and certificates for tests of policies, and the tables that know them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ccfpy.base.ids import MemberId, UserId
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.service.tables import members, users
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.endpoints.world import NOW_S, StoreNode

KEY = KeyPair.generate(SeededEntropy(b"key"), Curve.SECP256R1)
OTHER_KEY = KeyPair.generate(SeededEntropy(b"other"), Curve.SECP384R1)


def certificate(key: KeyPair = KEY, *, from_now_days: int = -1) -> Certificate:
    """A certificate that begins so many days from now and lasts ten."""
    start = datetime.fromtimestamp(NOW_S, tz=UTC) + timedelta(days=from_now_days)
    return node_self_signed(
        key,
        subject="CN=somebody",
        sans=(),
        not_before=start,
        validity_days=10,
        entropy=SeededEntropy(b"cert"),
    )


def add_user(node: StoreNode, certificate: Certificate) -> UserId:
    tx = node.begin(read_only=False)
    user_id = UserId(certificate.digest_hex)
    users.CERTS.of(tx).put(user_id, certificate.pem)
    node.commit(tx, None)
    return user_id


def add_member(
    node: StoreNode,
    certificate: Certificate,
    status: MemberStatus | None = MemberStatus.ACTIVE,
) -> MemberId:
    tx = node.begin(read_only=False)
    member_id = MemberId(certificate.digest_hex)
    members.CERTS.of(tx).put(member_id, certificate.pem)
    if status is not None:
        members.INFO.of(tx).put(member_id, MemberInfo(status=status))
    node.commit(tx, None)
    return member_id


def signed(
    certificate: Certificate,
    payload: bytes,
    header: Mapping[cose.Label, object] | None = None,
    *,
    key: KeyPair = KEY,
) -> bytes:
    """A request signed by the certificate's holder."""
    protected: dict[cose.Label, object] = {cose.KID: certificate.digest_hex.encode()}
    protected.update(header or {})
    return cose.sign(key, protected=protected, payload=payload)
