"""How long the certificates of a service and of all who take part in it are valid.

The service, its nodes and its users are refused once their certificates have ended.
Members are not refused, so that they can renew the others' certificates; but a member's
tools and key store may refuse an ended certificate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.governance import read_governance
from ccfpy.client.requests import text_field
from ccfpy.crypto.certs import Certificate, parse_bundle
from ccfpy.crypto.hashing import sha256_hex

SECONDS_PER_DAY = 86_400


class Holder(StrEnum):
    """Whose a certificate is."""

    SERVICE = "service"
    NODE = "node"
    MEMBER = "member"
    USER = "user"


class Validity(StrEnum):
    """What a certificate's times mean today."""

    VALID = "valid"
    EXPIRES_SOON = "expires soon"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A certificate, as far as time is concerned.

    Attributes:
        id: the holder's id; for the service, the digest of its certificate.
        status: the holder's, in the service's words; empty for users.
        certificate: nothing if the service's record is not a certificate.
    """

    holder: Holder
    id: str
    status: str
    certificate: Certificate | None

    def days_left(self, now: datetime) -> int | None:
        """Count the whole days until it ends; below zero once it has."""
        if self.certificate is None:
            return None
        left = self.certificate.not_after - now
        return math.floor(left.total_seconds() / SECONDS_PER_DAY)

    def validity(self, now: datetime, *, soon_days: int) -> Validity:
        """Return the certificate's validity; it ends soon within ``soon_days``."""
        left = self.days_left(now)
        if self.certificate is None or left is None:
            return Validity.UNREADABLE
        if left < 0:
            return Validity.EXPIRED
        if now < self.certificate.not_before:
            return Validity.NOT_YET_VALID
        return Validity.EXPIRES_SOON if left <= soon_days else Validity.VALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a service is governed today, and all certificates.

    Attributes:
        active_members: how many may vote.
        share_holders: how many of them have recovery shares.
        recovery_threshold: how many shares bring the service back.
    """

    service_status: str
    recovery_threshold: int | None
    members: int
    active_members: int
    share_holders: int
    certificates: Sequence[Dated]

    def first_to_end(self, now: datetime) -> Dated | None:
        """Return the certificate of which the fewest days are left."""
        readable = [each for each in self.certificates if each.certificate is not None]
        return min(readable, key=lambda each: each.days_left(now) or 0, default=None)


async def standing(connection: Connection) -> Standing:
    """Ask a service, as anybody may.

    Raises:
        ClientError: it does not tell.
    """
    network = (await connection.get("/node/network")).object()
    info = await read_governance(connection, "service/info")
    nodes = await _listed(connection, "service/nodes")
    members = await _listed(connection, "service/members")
    users = await _listed(connection, "service/users")
    active = [member for member in members if member.get("status") == "Active"]
    return Standing(
        service_status=text_field(network, "service_status"),
        recovery_threshold=_threshold(info),
        members=len(members),
        active_members=len(active),
        share_holders=sum(1 for each in active if each.get("publicEncryptionKey")),
        certificates=[
            _of_service(network),
            *(
                _dated(Holder.NODE, "nodeId", node)
                for node in nodes
                if node.get("status") != "Retired" and node.get("certificate")
            ),
            *(_dated(Holder.MEMBER, "memberId", member) for member in members),
            *(_dated(Holder.USER, "userId", user) for user in users),
        ],
    )


async def _listed(connection: Connection, path: str) -> list[JsonObject]:
    reply = await read_governance(connection, path)
    values = reply.get("value") if isinstance(reply, dict) else None
    if not isinstance(values, list):
        raise UnexpectedReply(f"expected a list of {path}, found {reply!r}")
    return [value for value in values if isinstance(value, dict)]


def _threshold(info: Json) -> int | None:
    configuration = info.get("configuration") if isinstance(info, dict) else None
    if not isinstance(configuration, dict):
        return None
    threshold = configuration.get("recoveryThreshold")
    return threshold if isinstance(threshold, int) else None


def _of_service(network: JsonObject) -> Dated:
    pem = text_field(network, "service_certificate")
    certificate = _read(pem)
    digest = sha256_hex(pem.encode()) if certificate is None else certificate.digest_hex
    return Dated(
        holder=Holder.SERVICE,
        id=digest,
        status=text_field(network, "service_status"),
        certificate=certificate,
    )


def _dated(holder: Holder, id_field: str, told: JsonObject) -> Dated:
    pem = told.get("certificate")
    return Dated(
        holder=holder,
        id=text_field(told, id_field),
        status=str(told.get("status") or ""),
        certificate=_read(pem) if isinstance(pem, str) else None,
    )


def _read(pem: str) -> Certificate | None:
    """Read a certificate, or the first of several."""
    try:
        return parse_bundle(pem)[0]
    except (Malformed, IndexError):
        return None
