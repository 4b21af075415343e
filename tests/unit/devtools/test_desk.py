"""A service that follows an app, with its real processes, from fault to fault."""

import asyncio
from pathlib import Path
from typing import TypeVar

import pytest

from ccfpy.client.share import constitution
from ccfpy.devtools import recording_app
from ccfpy.devtools.desk import Desk, Event, Faulty, Reloaded, ServiceEnded
from ccfpy.devtools.served import KeptRequests, ServedRequest
from ccfpy.devtools.templates import files
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork

DEADLINE_S = 30.0
Kind = TypeVar("Kind", Reloaded, Faulty, ServedRequest)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The JavaScript app that ``ccfpy app new`` writes."""
    folder = tmp_path / "app"
    for path, text in files("js", "app"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


class Watched:
    """A desk, and what it told."""

    def __init__(self, project: Path, workspace: Path) -> None:
        self.source = project / "src/app.js"
        self.told: list[Event] = []
        options = ServiceOptions(
            workspace=workspace,
            app=recording_app.__file__,
            program=NODE_PROGRAM,
            constitution=constitution("sandbox"),
        )
        self.desk = Desk(
            folder=project,
            network=ProcessNetwork(options),
            placement=Placement(),
            kept=KeptRequests(options.workspace / "requests.jsonl"),
            tell=self.told.append,
        )

    def rewrite(self, old: str, new: str) -> None:
        """Change the app's source at once, as editors do."""
        other = self.source.with_suffix(".new")
        other.write_text(self.source.read_text().replace(old, new))
        other.replace(self.source)

    async def count(self) -> bytes:
        """Ask the app for its count."""
        async with self.desk.network.connect(self.desk.node) as anybody:
            return (await anybody.request("GET", "/app/count")).body

    async def until(self, kind: type[Kind], number: int) -> Kind:
        """Wait until this many reports of a kind have arrived; return the last one."""
        async with asyncio.timeout(DEADLINE_S):
            while len(found := self._all(kind)) < number:  # noqa: ASYNC110 - a log
                await asyncio.sleep(0.01)
        return found[number - 1]

    def _all(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.told if isinstance(event, kind)]


@pytest.mark.slow
def test_a_service_follows_its_sources(project: Path, tmp_path: Path) -> None:
    watched = Watched(project, tmp_path / "workspace")
    desk = watched.desk

    async def story() -> None:
        watched.rewrite("export function count", "export function counts")
        await desk.begin()
        assert isinstance(watched.told[0], Faulty), "the service begins without it"
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_ended(desk))
            watched.rewrite("export function counts", "export function count")
            await watched.until(Reloaded, 1)
            assert await watched.count() == b"0"

            watched.rewrite("return { body: written() }", "return { body: 'many' }")
            reloaded = await watched.until(Reloaded, 2)
            assert reloaded.changed == [watched.source]
            assert await watched.count() == b"many"

            served = await watched.until(ServedRequest, 2)
            assert served.answer == b"many"
            assert desk.kept.find("2") == served
            desk.node.kill()
            assert await following

    try:
        asyncio.run(story())
    finally:
        desk.network.stop()


async def _ended(desk: Desk) -> bool:
    with pytest.raises(ServiceEnded, match="ended by itself"):
        await desk.follow()
    return True


@pytest.mark.slow
def test_a_project_that_goes_away_ends_it_in_one_word(
    project: Path, tmp_path: Path
) -> None:
    watched = Watched(project, tmp_path / "workspace")

    async def story() -> None:
        await watched.desk.begin()
        project.rename(tmp_path / "elsewhere")  # noqa: ASYNC240 - the test is alone
        with pytest.raises(FileNotFoundError):
            await watched.desk.follow()

    try:
        asyncio.run(story())
    finally:
        watched.desk.network.stop()
