"""A service that follows an app in Python, with its real processes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ccfpy.client.share import constitution
from ccfpy.devtools.desk import Event, Faulty, Restarted
from ccfpy.devtools.python_desk import PythonDesk
from ccfpy.devtools.script_traces import Failure
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork

DEADLINE_S = 120.0
Kind = TypeVar("Kind", Restarted, Faulty, Failure)
SOURCE = """\
from ccfpy.app import App, Context, Value, json_codec

app = App("followed")
WORD = Value("word", json_codec(str))


@app.put("/word")
def write(ctx: Context, body: str) -> None:
    WORD.of(ctx.tx).put(body)


@app.get("/word")
def read(ctx: Context) -> str:
    return (WORD.of(ctx.tx).get() or "none") + "!"


@app.get("/bad")
def bad(ctx: Context) -> str:
    raise ValueError(read(ctx))
"""


def _desk(source: Path, tell: Callable[[Event], None]) -> PythonDesk:
    options = ServiceOptions(
        workspace=source.parent / "workspace",
        app=str(source),
        program=NODE_PROGRAM,
        constitution=constitution("sandbox"),
        extra={"logging": {"tracebacks": True}},
    )
    network = ProcessNetwork(options)
    return PythonDesk(app=source, network=network, placement=Placement(), tell=tell)


@pytest.mark.slow
def test_a_change_restarts_the_node_and_keeps_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    source = tmp_path / "followed_app.py"
    source.write_text(SOURCE)
    told: list[Event] = []
    desk = _desk(source, told.append)
    network = desk.network

    async def until(kind: type[Kind], number: int) -> Kind:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = [event for event in told if isinstance(event, kind)]
                if len(found) >= number:
                    return found[number - 1]
                await asyncio.sleep(0.02)

    async def ask(method: str, path: str, body: bytes = b"") -> bytes:
        async with network.connect(desk.node) as anybody:
            return (await anybody.request(method, path, body=body)).body

    async def story() -> None:
        source.write_text(SOURCE.replace("def read(ctx: Context) -> str", "def read()"))
        async with asyncio.TaskGroup() as group:
            beginning = group.create_task(desk.begin())
            fault = (await until(Faulty, 1)).faults[0]
            assert "read does not take the context" in fault
            source.write_text(SOURCE)
            await beginning
            address = desk.node.address
            await ask("PUT", "/app/word", b"kept")
            following = group.create_task(desk.follow())

            source.write_text(SOURCE.replace('"!"', '"?"'))
            restarted = await until(Restarted, 2)
            assert restarted.changed == [source]
            assert await ask("GET", "/app/word") == b'"kept?"'
            assert desk.node.address == address

            assert b"kept" not in await ask("GET", "/app/bad")
            failure = await until(Failure, 1)
            assert failure.links[0].thrown == "ValueError: kept?"
            assert failure.links[0].frames[0].excerpt == "raise ValueError(read(ctx))"
            following.cancel()

    try:
        asyncio.run(story())
    finally:
        network.stop()
