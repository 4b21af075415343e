"""Answers about a ledger's files."""

import asyncio
import re
from collections.abc import Callable

import orjson
from aiohttp import web

from ccfpy.base.errors import Malformed
from ccfpy.console.explorer import Explorer

_NUMBER = re.compile(r"[0-9]{1,18}")
NAME_CHARACTERS_MAX = 1024
KEY_BYTES_MAX = 3072
"""In hex a longer key would not fit in a request's line."""


class LedgerRoutes:
    """Questions of the page, each answered on another thread."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    async def transactions(self, request: web.Request) -> web.Response:
        """Answer with the transactions after one."""
        after = _number(request.query.get("after", "0"))
        return await _apart(lambda: self._explorer.transactions(after=after))

    async def transaction(self, request: web.Request) -> web.Response:
        """Answer with a transaction, whole."""
        seqno = _number(request.match_info["seqno"])
        return await _apart(lambda: self._explorer.transaction(seqno))

    async def keys(self, request: web.Request) -> web.Response:
        """Answer with keys of a map."""
        name, prefix = _map(request), _bytes(request.query.get("prefix", ""))
        return await _apart(lambda: self._explorer.keys(name, prefix))

    async def history(self, request: web.Request) -> web.Response:
        """Answer with the writes to a key."""
        name, key = _map(request), _bytes(request.query.get("key", ""))
        given = request.query.get("before")
        before = None if given is None else _number(given)
        return await _apart(lambda: self._explorer.history(name, key, before=before))

    async def value(self, request: web.Request) -> web.Response:
        """Answer with a value that a list has the beginning of."""
        name, key = _map(request), _bytes(request.query.get("key", ""))
        seqno = _number(request.query.get("seqno", ""))
        return await _apart(lambda: self._explorer.value(name, key, seqno))


def answer(value: object) -> web.Response:
    """Return a record as the page gets it."""
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def _apart(ask: Callable[[], object]) -> web.Response:
    return answer(await asyncio.to_thread(ask))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Malformed("a seqno is a number")
    return int(text)


def _map(request: web.Request) -> str:
    name = request.query.get("map", "")
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise Malformed("a question about keys names a map")
    return name


def _bytes(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed("a key is written in hex") from error
    if len(data) > KEY_BYTES_MAX:
        raise Malformed(f"a key has at most {KEY_BYTES_MAX} bytes")
    return data
