"""A write is missing only if a node that knows what became of it does not show it."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from tests.lab.moving.reading import Absent, Acknowledged, Seen, look_up, message
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

NUMBER, TXID = 7, TxId(2, 40)
NO_RECORD = 404, {"error": {"code": "ResourceNotFound", "message": "No such record"}}
NOT_OPEN = 404, {"error": {"code": "FrontendNotOpen", "message": "not open"}}
VIEW_CHANGED = 500, {"error": {"code": "SessionConsistencyLost", "message": "view"}}
SHOWN = 200, {"msg": message(NUMBER)}

Answer = tuple[int, dict[str, object]]
Look = Callable[..., Seen]


@pytest.fixture
def look(serve: Serve, service_pem: str) -> Look:
    """Return what looks a write up at a node that answers by a script.

    The last read and the last status are answered from then on.
    """

    def look(
        reads: Sequence[Answer], statuses: Sequence[str], *, timeout_s: float = 20
    ) -> Seen:
        left, said = list(reads), list(statuses)

        async def answer(request: web.Request) -> web.Response:
            if request.path == "/node/tx":
                assert request.query["transaction_id"] == str(TXID)
                status = said.pop(0) if len(said) > 1 else said[0]
                return web.json_response({"status": status})
            code, body = left.pop(0) if len(left) > 1 else left[0]
            return web.json_response(body, status=code)

        async def run() -> Seen:
            async with (
                serve(answer) as url,
                Connection(
                    url, service_certificate=service_pem, is_repeating=False
                ) as connection,
            ):
                return await look_up(connection, NUMBER, TXID, timeout_s=timeout_s)

        return asyncio.run(run())

    return look


def test_a_write_that_is_shown_needs_one_look(look: Look) -> None:
    seen = look([SHOWN], ["Unknown"])
    assert seen == Seen(value=message(NUMBER), status=None, troubles=[])


@pytest.mark.parametrize("status", ["Unknown", "Pending"])
def test_a_node_that_lags_is_asked_again(look: Look, status: str) -> None:
    seen = look([NO_RECORD, NO_RECORD, SHOWN], [status, "Committed"])
    assert seen.value == message(NUMBER)
    assert [status in each for each in seen.troubles] == [True, False]


def test_a_write_may_arrive_between_the_read_and_the_word_committed(
    look: Look,
) -> None:
    assert look([NO_RECORD, SHOWN], ["Committed"]).value == message(NUMBER)


@pytest.mark.parametrize("error", [VIEW_CHANGED, NOT_OPEN])
def test_an_error_says_nothing_of_a_write(look: Look, error: Answer) -> None:
    seen = look([error, SHOWN], ["Committed"])
    assert seen.value == message(NUMBER)
    assert len(seen.troubles) == 1


@pytest.mark.parametrize("status", ["Committed", "Invalid"])
def test_a_node_that_knows_the_end_of_a_write_and_does_not_show_it_has_lost_it(
    look: Look, status: str
) -> None:
    seen = look([NO_RECORD], [status])
    assert (seen.value, seen.status) == (None, status)


def test_another_message_in_the_place_of_the_write_is_a_loss(look: Look) -> None:
    seen = look([(200, {"msg": "another"})], ["Committed"])
    assert (seen.value, seen.status) == ("another", "Committed")


@pytest.mark.parametrize("answer", [NO_RECORD, VIEW_CHANGED])
def test_a_node_that_never_knows_is_left_after_a_while(
    look: Look, answer: Answer
) -> None:
    seen = look([answer], ["Pending"], timeout_s=0.2)
    assert seen.value is None
    assert seen.troubles


def test_an_absence_names_the_transaction_and_who_promised_it() -> None:
    write = Acknowledged(
        number=NUMBER,
        txid=TXID,
        answered_s=3.0,
        answered_by="https://a",
        committed_s=3.2,
        committed_by="https://b",
    )
    seen = Seen(value=None, status="Invalid", troubles=["first", "last"])
    text = str(Absent(write=write, url="https://c", seen=seen))
    assert "write 7 in 2.40, committed at 3.2 s by https://b" in text
    assert "https://c has None and calls the transaction Invalid" in text
    assert "last" in text
    assert "first" not in text
