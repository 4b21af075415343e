"""A service's public tables, read over its own endpoints."""

import asyncio
from collections.abc import Collection

import pytest
from aiohttp import web

from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.requests import TXID_HEADER
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.service.served_tables import Table, path_of, served_tables
from ccfpy.service.tables.jwt import SIGNING_KEYS
from ccfpy.service.tables.service import CONSTITUTION
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Answer, Connect
from tests.unit.client.hosted import answering, hosted


def _read(
    connect: Connect,
    answer: Answer,
    *,
    only: Collection[Table] | None = None,
) -> PublicState:
    async def read() -> PublicState:
        async with connect(answer) as connection:
            return await read_public_state(connection, only=only)

    return asyncio.run(read())


def test_each_table_is_what_the_node_has(connect: Connect) -> None:
    node = hosted(Person.make("alice", can_recover=True), Person.make("bob"))
    state = _read(connect, answering(node))
    assert not state.not_served
    running = node.trusted.running
    assert running is not None
    mine, theirs = state.store.begin(read_only=True), running.begin(read_only=True)
    filled = []
    for table, _ in served_tables():
        rows = dict(theirs.raw(table.name).items())
        assert dict(mine.raw(table.name).items()) == rows, table.name
        filled += [table.name] * bool(rows)
    assert len(filled) > 8


def test_a_table_that_is_not_served_is_named(connect: Connect) -> None:
    node = answering(hosted(Person.make("alice", can_recover=True)))

    async def refuse(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith(path_of(CONSTITUTION)):
            return await node(request)
        return web.json_response({"error": {"code": "X", "message": "no"}}, status=404)

    state = _read(connect, refuse)
    assert state.not_served == (CONSTITUTION.name,)


@pytest.mark.parametrize("body", [5, {"a": 5}, "text", None, [[1]]])
def test_a_table_of_another_form_is_refused(connect: Connect, body: object) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    with pytest.raises(UnexpectedReply, match="has another form"):
        _read(connect, answer)
    assert SIGNING_KEYS.name


@pytest.mark.parametrize(
    ("texts", "states", "has_moved", "asked"),
    [
        (["a"], [1, 1], False, 2),
        (["a", "a"], [1, 2, 3, 4], False, 4),
        (["a", "b"], [1, 2, 3, 3], False, 4),
        (["a", "b"], [1, 2, 3, 4], True, 4),
    ],
    ids=["one state", "the same twice", "one state the second time", "moved twice"],
)
def test_tables_that_are_of_several_states_are_read_once_more(
    connect: Connect,
    texts: list[str],
    states: list[int],
    *,
    has_moved: bool,
    asked: int,
) -> None:
    said, seqnos = iter(texts), iter(states)
    paths: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        headers = {TXID_HEADER: f"2.{next(seqnos)}"}
        if request.path.endswith(path_of(CONSTITUTION)):
            return web.json_response(next(said), headers=headers)
        return web.Response(status=204, headers=headers)

    state = _read(connect, answer, only=(CONSTITUTION, SIGNING_KEYS))
    assert (state.has_moved, len(paths)) == (has_moved, asked)
    assert CONSTITUTION.of(state.store.begin(read_only=True)).get() == texts[-1]
