"""What each sample does, as its users see it."""

import pytest

from apps import basic, js_generic, nobuiltins, programmability
from ccfpy.app import App
from ccfpy.base.json import JsonObject
from ccfpy.testing.apps import Caller, Service
from tests.unit.endpoints.test_openapi import check


@pytest.mark.parametrize(
    "app", [basic.app, programmability.app], ids=lambda app: app.name
)
def test_records_are_kept_by_key(app: App) -> None:
    service = Service.open(app)
    user = service.user()
    assert user.put("/app/records/k", b"\xff").status == 204
    read = user.get("/app/records/k")
    assert (read.status, read.body) == (200, b"\xff")
    assert read.headers["content-type"] == "text/plain"
    absent = user.get("/app/records/none")
    assert (absent.status, absent.error) == (404, "InvalidResourceName")
    assert user.post("/app/records", {"a": "1", "b": "2"}).status == 204
    assert user.get("/app/records/b").text == "2"
    wrong = user.post("/app/records", {"a": 1})
    assert (wrong.status, wrong.error) == (400, "InvalidInput")
    assert service.anybody.get("/app/records/k").status == 401


@pytest.mark.ccf(app=nobuiltins.app)
def test_an_app_without_builtins_asks_the_node(ccf_anybody: Caller) -> None:
    def ask(path: str) -> JsonObject:
        return ccf_anybody.get(f"/app{path}").raise_for_error().object()

    summary = ask("/node_summary")
    assert summary["quote_format"] == "Insecure_Virtual"
    assert ask("/commit") == {
        "transaction_id": f"{summary['committed_view']}.{summary['committed_seqno']}"
    }
    quotes = ask("/all_nodes")["nodes"]
    assert isinstance(quotes, dict)
    ((node, quote),) = quotes.items()
    assert node == summary["node_id"]
    assert isinstance(quote, dict)
    assert quote["quote"] == summary["quote"]
    assert ask("/tx_id?seqno=1") == {"transaction_id": "2.1"}
    assert str(ask("/current_time")["timestamp"]).startswith("2025-06-15T15:06:40.")
    check(ask("/api"))
    assert ccf_anybody.get("/app/tx").status == 404


@pytest.mark.ccf(app=nobuiltins.app)
@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("", 400, "InvalidInput"),
        ("?seqno=", 400, "InvalidQueryParameterValue"),
        ("?seqno=-1", 400, "InvalidQueryParameterValue"),
        ("?seqno=99999", 500, "InternalError"),
    ],
)
def test_a_seqno_that_is_none_has_no_id(
    ccf_anybody: Caller, query: str, status: int, error: str
) -> None:
    refused = ccf_anybody.get(f"/app/tx_id{query}")
    assert (refused.status, refused.error) == (status, error)


def test_js_generic_brings_nothing_of_its_own() -> None:
    paths = {endpoint.path for endpoint in js_generic.app.registry()}
    assert paths == {"/commit", "/tx", "/local_tx", "/api", "/receipt"}
