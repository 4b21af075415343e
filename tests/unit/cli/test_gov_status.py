"""The output of ``ccfpy gov status`` on certificates, for people and programs."""

from datetime import UTC, datetime, timedelta

import pytest

from ccfpy.cli.gov_status import as_json, table
from ccfpy.cli.terminal import Terminal
from ccfpy.client.expiry import Dated, Holder, Standing
from ccfpy.testing.node import Person
from tests.unit.cli.conftest import Command

MEMBER = Person.make("alice").certificate
DAYS = {"valid": 31, "expires soon": 30, "expired": -1}


def found(*certificates: Dated) -> Standing:
    return Standing(
        service_status="Open",
        recovery_threshold=2,
        members=3,
        active_members=2,
        share_holders=2,
        certificates=certificates,
    )


def members() -> Dated:
    return Dated(
        holder=Holder.MEMBER, id=MEMBER.digest_hex, status="Active", certificate=MEMBER
    )


def when(validity: str) -> datetime:
    """Return the time at which the member's certificate has the wanted validity."""
    return MEMBER.not_after - timedelta(days=DAYS[validity])


def shown(standing: Standing, now: datetime) -> str:
    console = Terminal(width=200, record=True, color_system="truecolor")
    with console.capture() as captured:
        console.print(table(standing, now, soon_days=30))
    return captured.get()


@pytest.mark.parametrize("validity", DAYS)
def test_a_person_sees_how_many_days_are_left(validity: str) -> None:
    text = shown(found(members()), when(validity))
    assert "service Open, 2 of 3 members active, 2 with recovery shares" in text
    assert f"{MEMBER.not_after.astimezone(UTC):%Y-%m-%d}" in text
    assert str(DAYS[validity]) in text
    assert (f", {validity}" in text) is (validity != "valid")
    assert MEMBER.digest_hex[:8] in text
    assert MEMBER.digest_hex[:9] not in text


def test_what_cannot_be_read_is_shown_as_that() -> None:
    nobody = Dated(holder=Holder.USER, id="ab" * 32, status="", certificate=None)
    assert "unreadable" in shown(found(nobody), when("valid"))
    told = as_json(found(nobody), when("valid"), soon_days=30)
    assert (told["is_well"], told["fewest_days_left"]) == (False, None)
    listed = told["certificates"]
    assert isinstance(listed, list)
    assert (listed[0]["days_left"], listed[0]["validity"]) == (None, "unreadable")


@pytest.mark.parametrize("validity", DAYS)
def test_a_program_is_told_the_same(validity: str) -> None:
    told = as_json(found(members()), when(validity), soon_days=30)
    assert told["is_well"] is (validity == "valid")
    assert told["fewest_days_left"] == DAYS[validity]
    assert told["certificates"] == [
        {
            "holder": "member",
            "id": MEMBER.digest_hex,
            "status": "Active",
            "subject": MEMBER.subject,
            "valid_from": MEMBER.not_before.isoformat(),
            "valid_until": MEMBER.not_after.isoformat(),
            "days_left": DAYS[validity],
            "validity": validity,
        }
    ]


def test_a_service_that_nobody_answers_for_is_said_in_a_sentence(
    command: Command, service_folder: object
) -> None:
    where = ["--url", "https://127.0.0.1:1", "--common", service_folder]
    ended = command("gov", "status", *where)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.count("\n") == 1
