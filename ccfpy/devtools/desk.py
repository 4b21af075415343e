"""A service on this machine that follows an application's sources.

The sources are looked at again and again; when they change they are built, checked,
and put into the service by its one member's vote. What the service answers is told as
it happens.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.base.limits import (
    JS_EXECUTION_MS_MAX,
    JS_HEAP_BYTES_MAX,
    JS_STACK_BYTES_MAX,
)
from ccfpy.client.bundle import Bundle, read_bundle
from ccfpy.client.connection import Connection
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner
from ccfpy.client.opening import carry
from ccfpy.devtools.checks import Findings, check
from ccfpy.devtools.project import BUILD, REBUILD, Project
from ccfpy.devtools.script_traces import Failure
from ccfpy.devtools.served import KeptRequests, ServedRequest, read_line
from ccfpy.devtools.watching import LogTail, Watch, project_files
from ccfpy.local.configuration import Placement
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess

LOOK_S = 0.05
"""Between two looks at the sources, and at the service's log."""
OPTIONS: Mapping[str, Json] = {
    "name": "set_js_runtime_options",
    "args": {
        "max_heap_bytes": JS_HEAP_BYTES_MAX,
        "max_stack_bytes": JS_STACK_BYTES_MAX,
        "max_execution_time_ms": JS_EXECUTION_MS_MAX,
        "log_exception_details": True,
        "return_exception_details": True,
    },
}
"""Callers and log are told what scripts throw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """The service has new code.

    Attributes:
        changed: the sources that have changed.
        remarks: what one might think twice about.
        after_s: since the last of them was written.
    """

    bundle: Bundle
    changed: Sequence[Path]
    remarks: Sequence[str]
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty:
    """The sources cannot be used; the service keeps the earlier app."""

    faults: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """The service's node runs new code in Python.

    Attributes:
        endpoints: each verb and path.
        changed: the sources that have changed; none at the first start.
        after_s: since the last of them was written.
    """

    endpoints: Sequence[str]
    changed: Sequence[Path] = ()
    after_s: float = 0


Event: TypeAlias = Reloaded | Restarted | Faulty | Failure | ServedRequest


class ServiceEnded(CcfpyError):
    """The service's node ended by itself; the text has its last words."""


@dataclass(slots=True)
class Desk:
    """A service and the sources that it follows.

    Args:
        folder: the project.
        network: the service, not begun yet.
        placement: where its node listens.
        kept: where its requests are kept.
        tell: takes what happens.
    """

    folder: Path
    network: ProcessNetwork
    placement: Placement
    kept: KeptRequests
    tell: Callable[[Event], None]
    _watch: Watch = field(init=False)
    _bundle: Bundle | None = None

    def __post_init__(self) -> None:
        self._watch = Watch(lambda: project_files(self.folder))

    @property
    def bundle(self) -> Bundle | None:
        """What is in force; nothing where no sources could be used yet."""
        return self._bundle

    @property
    def endpoints(self) -> Sequence[str]:
        """Each verb and path that is served."""
        listed = [] if self._bundle is None else self._bundle.endpoints()
        return [f"{verb.upper()} /app{path}" for path, verb, _ in listed]

    @property
    def node(self) -> NodeProcess:
        """The service's one node."""
        return self.network.nodes[0]

    async def begin(self) -> TxId:
        """Begin the service with what the sources are now; give when it was opened.

        Sources that cannot be used are told of, and the service begins without them.

        Raises:
            CcfpyError: it does not come up.
        """
        changed = self._watch.changed()
        await self.network.begin([self.placement])
        self.kept.begin()
        made = await self._made()
        actions = [OPTIONS, *([] if made is None else [made[0].action()])]
        opened = await self.network.open(actions)
        if made is not None:
            self._installed(*made, changed=changed, after_s=0)
        return opened

    async def follow(self) -> None:
        """Follow sources and requests until it is cancelled.

        Raises:
            ServiceEnded: the node has ended.
        """
        tail = LogTail(self.node.log)
        try:
            async with asyncio.TaskGroup() as group:
                sources = group.create_task(self._follow_sources())
                while self.node.is_alive:
                    self._hear(tail)
                    await asyncio.sleep(LOOK_S)
                sources.cancel()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        self._hear(tail)
        raise ServiceEnded(f"the node ended by itself: {self.node.last_words()}")

    async def _follow_sources(self) -> None:
        options = self.network.options
        signer = FileSigner.load(options.keys(options.members[0]))
        async with self.network.connect(self.node) as connection:
            while True:
                changed = self._watch.changed()
                if changed:
                    await self._reload(connection, signer, changed)
                await asyncio.sleep(LOOK_S)

    def _hear(self, tail: LogTail) -> None:
        """Report the requests in new lines of the log."""
        for line in tail.lines():
            try:
                served = read_line(line)
            except Malformed:
                continue  # cut to what a line of the log may hold
            if served is not None:
                self.tell(self.kept.keep(served))

    async def _reload(
        self, connection: Connection, signer: FileSigner, changed: Sequence[Path]
    ) -> None:
        made = await self._made()
        if made is None:
            return
        bundle, findings = made
        if self._bundle is not None and bundle.as_json() == self._bundle.as_json():
            return
        try:
            await carry([Governance(connection, signer)], [bundle.action()])
        except CcfpyError as error:
            self.tell(Faulty(faults=[f"the service refuses it: {error}"]))
            return
        self._installed(
            bundle, findings, changed=changed, after_s=since_written(changed)
        )

    async def _made(self) -> tuple[Bundle, Findings] | None:
        """Build and check the sources; tell of what is wrong, and give nothing then."""
        try:
            await Project.of(self.folder).build(REBUILD, BUILD)
            bundle = read_bundle(self.folder)
        except CcfpyError as error:
            self.tell(Faulty(faults=[str(error)]))
            return None
        findings = check(bundle)
        if findings.faults:
            self.tell(Faulty(faults=findings.faults))
            return None
        return bundle, findings

    def _installed(
        self,
        bundle: Bundle,
        findings: Findings,
        *,
        changed: Sequence[Path],
        after_s: float,
    ) -> None:
        self._bundle = bundle
        self.tell(
            Reloaded(
                bundle=bundle,
                changed=changed,
                remarks=findings.remarks,
                after_s=after_s,
            )
        )


def since_written(changed: Sequence[Path]) -> float:
    """Return how many seconds ago the last of some files was written."""
    times = [path.stat().st_mtime for path in changed if path.exists()]
    return max(time.time() - max(times), 0) if times else 0
