"""Days are counted whole, and each certificate of a service is found."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.expiry import Dated, Holder, Standing, Validity, standing
from ccfpy.client.keys import OsEntropy
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Answer, Connect
from tests.unit.client.hosted import answering, hosted

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
DAYS = 100
ALICE, BOB = Person.make("alice", can_recover=True), Person.make("bob")


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return node_self_signed(
        KeyPair.generate(OsEntropy(), Curve.SECP256R1),
        subject="CN=somebody",
        sans=(),
        not_before=BEGIN,
        validity_days=DAYS,
        entropy=OsEntropy(),
    )


def dated(certificate: Certificate | None) -> Dated:
    return Dated(holder=Holder.USER, id="a", status="", certificate=certificate)


@pytest.mark.parametrize(
    ("before_the_end", "days", "validity"),
    [
        (timedelta(days=31, seconds=1), 31, Validity.VALID),
        (timedelta(days=31, seconds=-1), 30, Validity.EXPIRES_SOON),
        (timedelta(days=1), 1, Validity.EXPIRES_SOON),
        (timedelta(seconds=1), 0, Validity.EXPIRES_SOON),
        (timedelta(0), 0, Validity.EXPIRES_SOON),
        (timedelta(seconds=-1), -1, Validity.EXPIRED),
        (timedelta(days=DAYS + 1), DAYS + 1, Validity.NOT_YET_VALID),
    ],
)
def test_whole_days_are_left(
    certificate: Certificate,
    before_the_end: timedelta,
    days: int,
    validity: Validity,
) -> None:
    now = certificate.not_after - before_the_end
    each = dated(certificate)
    assert each.days_left(now) == days
    assert each.validity(now, soon_days=30) is validity


def test_what_is_no_certificate_is_unreadable() -> None:
    each = dated(None)
    assert each.days_left(BEGIN) is None
    assert each.validity(BEGIN, soon_days=30) is Validity.UNREADABLE


def test_the_first_to_end_is_found_if_any_can_be_read(certificate: Certificate) -> None:
    def of(*found: Dated) -> Standing:
        return Standing(
            service_status="Open",
            recovery_threshold=1,
            members=1,
            active_members=1,
            share_holders=1,
            certificates=found,
        )

    assert of(dated(None)).first_to_end(BEGIN) is None
    other, each = dated(ALICE.certificate), dated(certificate)
    expected = min(other, each, key=lambda it: it.days_left(BEGIN) or 0)
    assert of(dated(None), other, each).first_to_end(BEGIN) is expected


def _ask(connect: Connect, answer: Answer) -> Standing:
    async def asked() -> Standing:
        async with connect(answer) as connection:
            return await standing(connection)

    return asyncio.run(asked())


def test_a_service_tells_of_everybodys(connect: Connect) -> None:
    node = hosted(ALICE, BOB)
    found = _ask(connect, answering(node))
    assert (found.members, found.active_members, found.share_holders) == (2, 2, 1)
    assert (found.service_status, found.recovery_threshold) == ("Open", 1)
    holders = [each.holder for each in found.certificates]
    assert holders == [
        Holder.SERVICE,
        Holder.NODE,
        Holder.MEMBER,
        Holder.MEMBER,
        Holder.USER,
    ]
    service, node_, *members, user = found.certificates
    assert service.certificate is not None
    assert service.certificate.pem == node.service_certificate
    assert (node_.id, node_.status) == (node.node_id, "Trusted")
    assert {member.id for member in members} == {ALICE.id, BOB.id}
    assert user.status == ""
    assert all(each.certificate is not None for each in found.certificates)


def test_a_holder_whose_certificate_is_none_is_told_all_the_same(
    connect: Connect,
) -> None:
    answers: dict[str, Any] = {
        "/node/network": {"service_status": "Open", "service_certificate": "x"},
        "/gov/service/info": {},
        "/gov/service/nodes": {
            "value": [
                {"nodeId": "a", "status": "Retired", "certificate": "x"},
                {"nodeId": "b", "status": "Pending"},
            ]
        },
        "/gov/service/members": {"value": [{"memberId": "m", "status": "Accepted"}]},
        "/gov/service/users": {"value": [{"userId": "u", "certificate": "x"}]},
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(answers[request.path])

    found = _ask(connect, answer)
    assert [each.holder for each in found.certificates] == [
        Holder.SERVICE,
        Holder.MEMBER,
        Holder.USER,
    ]
    assert all(each.certificate is None for each in found.certificates)
    assert found.recovery_threshold is None
    answers["/gov/service/users"] = []
    with pytest.raises(UnexpectedReply, match="service/users"):
        _ask(connect, answer)
