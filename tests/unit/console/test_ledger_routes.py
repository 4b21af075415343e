"""Questions about a ledger that make no sense are refused in one sentence."""

import asyncio

import pytest

from ccfpy.console.explorer import Explorer
from ccfpy.console.ledger import Ledger
from ccfpy.console.ledger_routes import KEY_BYTES_MAX, NAME_CHARACTERS_MAX
from tests.unit.audit.made import written
from tests.unit.audit.test_verification import long_ledger
from tests.unit.console.served import Answer, console
from tests.unit.console.test_ledger import followed

SERVICE_INFO = "public:ccf.gov.service.info"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger that was read."""
    folder = tmp_path_factory.mktemp("console")
    made = Ledger(
        folders=[written(long_ledger(), folder / "ledger")],
        database=folder / "index.db",
        service=None,
        processes=1,
    )
    followed(made)
    return made


def _asked(ledger: Ledger, path: str) -> Answer:
    async def ask() -> Answer:
        async with console(None, ledger) as page:
            return await page.ask(path)

    return asyncio.run(ask())


def test_a_ledger_is_explored_without_a_service(ledger: Ledger) -> None:
    start = _asked(ledger, "/api/start").value
    assert (start["service"], start["has_ledger"], start["urls"]) == (None, True, [])
    assert _asked(ledger, "/api/proposals/ab").status == 404
    rows = _asked(ledger, "/api/tx?after=2").value["rows"]
    assert rows[0]["seqno"] == 3
    assert _asked(ledger, "/api/tx/1").value["row"]["coverage"] == "verified"
    keys = _asked(ledger, f"/api/keys?map={SERVICE_INFO}").value["keys"]
    history = _asked(ledger, f"/api/history?map={SERVICE_INFO}&key={keys[0]['hex']}")
    seqno = history.value["rows"][0]["seqno"]
    path = f"/api/value?map={SERVICE_INFO}&key={keys[0]['hex']}&seqno={seqno}"
    assert "status" in _asked(ledger, path).value["text"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/tx?after=x", 400),
        ("/api/tx?after=-1", 400),
        (f"/api/tx?after={'9' * 18}", 200),
        (f"/api/tx?after={'9' * 19}", 400),
        ("/api/tx/0", 404),
        ("/api/tx/one", 400),
        ("/api/keys", 400),
        (f"/api/keys?map={'m' * NAME_CHARACTERS_MAX}", 200),
        (f"/api/keys?map={'m' * (NAME_CHARACTERS_MAX + 1)}", 400),
        ("/api/keys?map=m&prefix=x", 400),
        ("/api/history?map=m", 200),
        ("/api/history?map=m&before=x", 400),
        ("/api/value?map=m", 400),
        ("/api/value?map=m&seqno=1", 404),
    ],
)
def test_questions_have_their_form(ledger: Ledger, path: str, status: int) -> None:
    answer = _asked(ledger, path)
    assert answer.status == status
    assert ("error" in answer.value) is (status != 200)


@pytest.mark.parametrize(
    ("size", "status"), [(KEY_BYTES_MAX, 200), (KEY_BYTES_MAX + 1, 400)]
)
def test_a_key_has_so_many_bytes_and_no_more(
    ledger: Ledger, size: int, status: int
) -> None:
    answer = _asked(ledger, f"/api/history?map=m&key={'00' * size}")
    assert answer.status == status


def test_an_explorer_reads_the_index_alone(ledger: Ledger) -> None:
    assert Explorer(ledger.database).transaction(1).row.seqno == 1
