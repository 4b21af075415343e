"""What a policy of an application's sees of a request, and which tables."""

from collections.abc import Callable

import pytest

from ccfpy.endpoints.auth.policy import AppCaller, RequestCredentials
from ccfpy.endpoints.context import Context
from ccfpy.kv.maps import STRING, Map, Set, Value
from ccfpy.service.records import JSON
from tests.unit.endpoints.auth.people import certificate
from tests.unit.endpoints.world import NOW_S, StoreNode, context_of

KEYS = Map("keys", STRING, JSON)
BARRED = Set("public:barred", STRING)
LEVEL = Value("public:level", JSON)


def _node() -> StoreNode:
    node = StoreNode()
    tx = node.begin(read_only=False)
    KEYS.of(tx).put("k", {"name": "ann"})
    BARRED.of(tx).insert("bob")
    LEVEL.of(tx).put(3)
    node.commit(tx, None)
    return node


def _shown(*tables: str) -> RequestCredentials:
    return _of(context_of(_node()), *tables)


def _of(context: Context, *tables: str) -> RequestCredentials:
    return RequestCredentials(context, policy="mine", tables=frozenset(tables))


def test_the_tables_that_it_names_are_read_by_key() -> None:
    shown = _shown(KEYS.name, BARRED.name, LEVEL.name)
    assert shown.get(KEYS, "k") == {"name": "ann"}
    assert shown.get(KEYS, "other") is None
    assert shown.contains(BARRED, "bob")
    assert not shown.contains(BARRED, "ann")
    assert shown.value(LEVEL) == 3


@pytest.mark.parametrize(
    ("table", "look"),
    [
        (KEYS.name, lambda shown: shown.get(KEYS, "k")),
        (BARRED.name, lambda shown: shown.contains(BARRED, "bob")),
        (LEVEL.name, lambda shown: shown.value(LEVEL)),
    ],
)
def test_another_table_is_a_mistake_that_names_both(
    table: str, look: Callable[[RequestCredentials], object]
) -> None:
    others = {KEYS.name, BARRED.name, LEVEL.name} - {table}
    with pytest.raises(LookupError, match=f'policy "mine" does not .* "{table}"'):
        look(_shown(*others))


def test_what_it_reads_the_transaction_rests_on() -> None:
    node = _node()
    context = context_of(node)
    _of(context, KEYS.name).get(KEYS, "k")
    assert context.tx.raw(KEYS.name).reads == {b"k": 1}
    assert context.tx.writes == {}


def test_nothing_of_it_writes() -> None:
    names = {name for name in dir(RequestCredentials) if not name.startswith("_")}
    assert names == {
        "caller",
        "certificate",
        "contains",
        "get",
        "header",
        "policy",
        "request",
        "unix_time_us",
        "value",
    }


def test_the_request_and_its_certificate_are_shown() -> None:
    headers = {"x-api-key": "k"}
    shown = _of(context_of(_node(), caller=certificate(), headers=headers, query="a=b"))
    assert shown.header("x-api-key") == "k"
    assert shown.header("x-other") is None
    assert (shown.request.method, shown.request.path) == ("POST", "/app/x")
    assert shown.request.query == "a=b"
    assert shown.certificate == certificate()
    assert _shown().certificate is None
    assert shown.unix_time_us == NOW_S * 1_000_000


def test_a_caller_has_the_name_of_its_policy() -> None:
    assert _shown().caller("ann", {"a": 1}) == AppCaller(
        policy="mine", id="ann", data={"a": 1}
    )
    assert _shown().caller("ann").data is None
