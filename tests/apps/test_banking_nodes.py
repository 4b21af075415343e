"""A bank's customers may use any node; every node believes the answer of another."""

import pytest

from tests.apps.banks import Consortium, sources


@pytest.mark.parametrize("app", ["typescript", "python"])
def test_any_node_takes_orders_and_tells_history(app: str) -> None:
    bank = Consortium.open(sources()[app], nodes=3)
    bank.open_account("ann", bank="aurora", owner="ann").raise_for_error()
    bank.open_account("bob", bank="borealis", owner="bob").raise_for_error()
    bank.cash("ann", 100, bank="aurora").raise_for_error()
    primary = bank.service.wait_primary()
    for sent, node in enumerate(bank.service.nodes, start=1):
        ann = bank.caller("ann").at(node)
        answer = bank.send(ann, "ann", "bob", 1)
        assert answer.object()["balance"] == 100 - sent, answer
        kinds = [entry["kind"] for entry in bank.statement(ann, "ann")]
        assert kinds == ["opened", "deposit", *["sent"] * sent]
    bank.service.kill(primary)
    bank.service.wait_primary()
    account = bank.caller("bob").get("/app/accounts/bob").object()
    assert account["balance"] == len(bank.service.nodes) + 1
