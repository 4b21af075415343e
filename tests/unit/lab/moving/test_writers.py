"""What counts as acknowledged, and how gaps between answers are measured."""

import asyncio
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from tests.lab.moving.writers import Timeline, Writers
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)
from tests.unit.lab.moving.stand_in import Service, clients_of

__all__ = ["serve", "server_tls", "service_key", "service_pem"]


@pytest.fixture
def timeline() -> Timeline:
    made = Timeline()
    made.times_s = [1.0, 2.0, 5.0, 6.0]
    return made


def test_answers_between_two_times_are_counted(timeline: Timeline) -> None:
    assert timeline.count(2.0, 5.0) == 2
    assert timeline.count(7.0, 9.0) == 0


@pytest.mark.parametrize(
    ("since_s", "until_s", "gap_s"),
    [
        (0.5, 6.5, 3.0),
        (2.5, 5.5, 2.5),
        (5.0, 12.0, 6.0),
        (7.0, 9.0, 2.0),
    ],
)
def test_a_gap_begins_and_ends_with_an_answer_or_with_the_time_asked_for(
    timeline: Timeline, since_s: float, until_s: float, gap_s: float
) -> None:
    assert timeline.worst_gap_s(since_s, until_s) == gap_s


@pytest.mark.parametrize(
    ("statuses", "acknowledged", "invalid"),
    [
        (["Unknown", "Pending", "Committed"], [1], []),
        (["Pending", "Invalid"], [], [TxId(2, 1)]),
    ],
)
def test_a_write_is_acknowledged_by_its_status_and_not_by_its_answer(
    serve: Serve,
    service_pem: str,
    tmp_path: Path,
    statuses: list[str],
    acknowledged: list[int],
    invalid: list[TxId],
) -> None:
    async def run() -> tuple[Writers, str]:
        async with clients_of(
            Service(statuses), serve=serve, service_pem=service_pem, folder=tmp_path
        ) as (writers, connection, url):
            await writers.write(connection)
            return writers, url

    writers, url = asyncio.run(run())
    assert len(writers.answered.times_s) == 1
    assert list(writers.acknowledged) == acknowledged
    assert {each.committed_by for each in writers.acknowledged.values()} <= {url}
    assert (writers.invalid, writers.uncertain) == (invalid, len(invalid))
