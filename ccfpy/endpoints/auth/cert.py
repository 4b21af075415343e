"""Callers known by the TLS certificate whose key they proved to hold.

The handshake accepts any certificate. The meaning of the certificate is decided here,
in the state that the request sees. Validity periods bind users and strangers, not
members: governance must not lock itself out
(``src/endpoints/authentication/cert_auth.cpp``). The clock is the host's, so a period
protects only where the host is honest.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.endpoints.session import CachedAuthentication
from ccfpy.service.tables import members, nodes, users

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context

USER_CERT = "user_cert"
MEMBER_CERT = "member_cert"
NODE_CERT = "node_cert"
ANY_CERT = "any_cert"

_US_PER_S: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCertCaller:
    """A registered user."""

    user_id: UserId
    policy: str = USER_CERT


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCertCaller:
    """A member of the consortium."""

    member_id: MemberId
    policy: str = MEMBER_CERT


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCertCaller:
    """A node of the service, whatever its status."""

    node_id: NodeId
    policy: str = NODE_CERT


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyCertCaller:
    """A caller that holds the key of a certificate."""

    certificate: Certificate
    policy: str = ANY_CERT


class UserCert:
    """Accepts the certificate of a registered user, within its validity."""

    name = USER_CERT
    security_scheme = None

    def authenticate(self, context: "Context") -> UserCertCaller:
        """Name the user.

        A connection's next request finds the same as its last, as long as the table of
        users is the very same and the certificate has not expired meanwhile.
        """
        session = context.session
        known = session.authentication
        if (
            known is not None
            and known.certificate is session.caller
            and known.from_us <= context.node.unix_time_us < known.until_us
            and context.tx.is_unchanged(known.mark)
        ):
            assert isinstance(known.identity, UserCertCaller), "nobody else admits"
            return known.identity
        return self._look_up(context)

    def _look_up(self, context: "Context") -> UserCertCaller:
        session, tx = context.session, context.tx
        certificate = _presented(context, "user ")
        _check_validity(context, certificate)
        user_id = UserId(certificate.digest_hex)
        if not users.CERTS.of(tx).has(user_id):
            raise Unauthenticated("Could not find matching user certificate")
        caller = UserCertCaller(user_id=user_id)
        mark = tx.mark(users.CERTS.name)
        if mark is not None:
            valid_from, valid_to = certificate.validity_s
            session.authentication = CachedAuthentication(
                caller,
                certificate,
                mark,
                valid_from * _US_PER_S,
                (valid_to + 1) * _US_PER_S,
            )
        return caller


class MemberCert:
    """Accepts the certificate of a member."""

    name = MEMBER_CERT
    security_scheme = None

    def authenticate(self, context: "Context") -> MemberCertCaller:
        """Name the member."""
        certificate = _presented(context, "member ")
        member_id = MemberId(certificate.digest_hex)
        if not members.CERTS.of(context.tx).has(member_id):
            raise Unauthenticated("Could not find matching member certificate")
        return MemberCertCaller(member_id=member_id)


class NodeCert:
    """Accepts a node that the service knows, by its key."""

    name = NODE_CERT
    security_scheme = None

    def authenticate(self, context: "Context") -> NodeCertCaller:
        """Name the node."""
        certificate = _presented(context, "node ")
        node_id = NodeId(sha256_hex(certificate.public_key_der))
        if not nodes.INFO.of(context.tx).has(node_id):
            raise Unauthenticated("Could not find matching node certificate")
        return NodeCertCaller(node_id=node_id)


class AnyCert:
    """Accepts every certificate within its validity."""

    name = ANY_CERT
    security_scheme = None

    def authenticate(self, context: "Context") -> AnyCertCaller:
        """Return the certificate as the identity."""
        certificate = _presented(context, "")
        _check_validity(context, certificate)
        return AnyCertCaller(certificate=certificate)


def _presented(context: "Context", whose: str) -> Certificate:
    certificate = context.session.caller
    if certificate is None:
        raise Unauthenticated(f"No caller {whose}certificate")
    return certificate


def _check_validity(context: "Context", certificate: Certificate) -> None:
    valid_from, valid_to = certificate.validity_s
    now = context.node.unix_time_us // _US_PER_S
    if now < valid_from:
        raise Unauthenticated(
            f"Current time {now} is before certificate's Not Before validity period "
            f"{valid_from}"
        )
    if now > valid_to:
        raise Unauthenticated(
            f"Current time {now} is after certificate's Not After validity period "
            f"{valid_to}"
        )
