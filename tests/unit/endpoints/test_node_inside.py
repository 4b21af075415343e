"""What an application's code asks of its node is asked while the node stands still."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ids import SessionId, TxId
from ccfpy.base.ports import Given, Result
from ccfpy.endpoints.context import NodeView
from ccfpy.endpoints.index_strategies import Index, Strategy
from ccfpy.endpoints.node_access import NodeInside
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request
from ccfpy.kv.maps import RAW, Map
from ccfpy.node.indexing import SeqnosByKey
from tests.unit.endpoints.world import StoreNode

FACTS = (
    "node_id",
    "is_primary",
    "view",
    "unix_time_us",
    "created_at_latest_s",
    "entropy",
    "cose_claims",
    "takes_writes",
    "commit_waits",
    "answers_at_commit",
    "scripts",
)
_INDEX: Index[Strategy] = Index()
_SESSION = Session(id=SessionId(1), interface=InterfaceRules(name="i"))
_REQUEST = Request(method="GET", path="/")
QUESTIONS: dict[str, Callable[[NodeView], object]] = {
    "tx_status": lambda node: node.tx_status(TxId(2, 1)),
    "committed_tx_id": lambda node: node.committed_tx_id(),
    "view_of": lambda node: node.view_of(1),
    "view_history": lambda node: node.view_history(1),
    "begin": lambda node: node.begin(read_only=True).is_read_only,
    "address_of": lambda node: node.address_of("primary", "i"),
    "attest": lambda node: node.attest(b"data"),
    "state_at": lambda node: node.history.state_at("handle", 1),
    "states_range": lambda node: node.history.states_range("handle", 1, 2),
    "states_for": lambda node: node.history.states_for("handle", [1, 2]),
    "drop_request": lambda node: node.history.drop_request("handle"),
    "service_keys": lambda node: node.history.service_keys(),
    "is_settled": lambda node: node.history.is_settled("handle"),
    "strategy": lambda node: node.indexing.strategy(_INDEX),
    "describe": lambda node: node.indexing.describe(),
}


@dataclass
class Noted(AppThreads):
    """Threads that note what was called inside."""

    inside_calls: list[object] = field(default_factory=list)

    def inside(self, function: Callable[[Given], Result], given: Given) -> Result:
        self.inside_calls.append(given)
        return function(given)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_read_as_it_is(fact: str) -> None:
    node, threads = StoreNode(), Noted()
    assert getattr(NodeInside(node, threads), fact) == getattr(node, fact)
    assert threads.inside_calls == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_asked_inside_and_answered_alike(question: str) -> None:
    node, threads = StoreNode(), Noted()
    ask = QUESTIONS[question]
    assert ask(NodeInside(node, threads)) == ask(node)
    assert len(threads.inside_calls) == 1


def test_what_changes_the_node_is_done_inside() -> None:
    node, threads = StoreNode(), Noted()
    inside: NodeView = NodeInside(node, threads)
    assert not inside.is_at_capacity()
    inside.commit(inside.begin(read_only=False), None)
    inside.forward(_REQUEST, _SESSION)
    inside.history.wait(_REQUEST, _SESSION, lambda: True, 10)
    strategy = SeqnosByKey(Map("public:m", RAW, RAW))
    _INDEX.install(inside, strategy)
    assert _INDEX.of(inside) is strategy
    _INDEX.uninstall(inside)
    assert inside.indexing.blobs is node.indexing.blobs
    assert len(threads.inside_calls) == 7
