"""A service on this machine that follows an application in Python.

Such an application is code of the enclave, which loads no code once it runs. A change
therefore ends the node; a node with the new code recovers the service from its ledger,
by its one member's share. What the tables hold is kept. What the app keeps outside of
its tables is lost, and the service has a new certificate, as after any recovery.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.devtools.desk import (
    LOOK_S,
    Event,
    Faulty,
    Restarted,
    ServiceEnded,
    since_written,
)
from ccfpy.devtools.python_check import Checked, check
from ccfpy.devtools.script_traces import FailureReader
from ccfpy.devtools.watching import LogTail, Watch, python_files
from ccfpy.local.configuration import Placement, Remains
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess

OPTIONS: Mapping[str, Json] = {
    "name": "set_python_runtime_options",
    "args": {"log_exception_details": True},
}
"""The log has the texts of exceptions, for the author alone."""
PREVIOUS = "previous_service_cert.pem"


@dataclass(slots=True)
class PythonDesk:
    """A service and the sources in Python that it follows.

    Args:
        app: the file or package.
        network: the service, not begun yet, of this app.
        placement: where its node listens.
        tell: takes what happens.
    """

    app: Path
    network: ProcessNetwork
    placement: Placement
    tell: Callable[[Event], None]
    endpoints: Sequence[str] = ()
    _watch: Watch = field(init=False)
    _loaded: set[Path] = field(default_factory=set)
    _tail: LogTail = field(init=False)
    _failures: FailureReader = field(default_factory=FailureReader)

    def __post_init__(self) -> None:
        self._watch = Watch(lambda: {*python_files(self.app), *self._loaded})

    @property
    def node(self) -> NodeProcess:
        """The service's node."""
        return self.network.nodes[-1]

    async def begin(self) -> TxId:
        """Begin the service as soon as its app loads; return when it was opened.

        Raises:
            CcfpyError: it does not come up.
        """
        self._watch.changed()
        while not await self._loads():
            await self._change()
        await self.network.begin([self.placement])
        host, _, port = self.node.address.rpartition(":")
        self.placement = replace(self.placement, host=host, port=int(port))
        opened = await self.network.open([OPTIONS])
        self._follow_log()
        self.tell(Restarted(endpoints=self.endpoints))
        return opened

    async def follow(self) -> None:
        """Follow sources and failures until it is cancelled.

        Raises:
            ServiceEnded: the node has ended.
            CcfpyError: it does not come up again.
        """
        while True:
            self._hear()
            if not self.node.is_alive:
                words = self.node.last_words()
                raise ServiceEnded(f"the node ended by itself: {words}")
            changed = self._watch.changed()
            if changed and await self._loads():
                await self._restart()
                self.tell(
                    Restarted(
                        endpoints=self.endpoints,
                        changed=changed,
                        after_s=since_written(changed),
                    )
                )
            await asyncio.sleep(LOOK_S)

    async def _change(self) -> None:
        while not self._watch.changed():  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(LOOK_S)

    async def _loads(self) -> bool:
        """Return whether the app loads, and report why it does not."""
        checked: Checked = await check(self.app)
        self._loaded |= {Path(file) for file in checked.files}
        if checked.fault:
            self.tell(Faulty(faults=[checked.fault]))
            return False
        self.endpoints = checked.endpoints
        return True

    async def _restart(self) -> None:
        """End the node, and recover its service by one with the new code."""
        network, options, ended = self.network, self.network.options, self.node
        identity = options.shared / PREVIOUS
        shutil.copy(options.service_certificate, identity)
        ended.stop()
        self._hear()
        remains = Remains(identity=identity, ledger=ended.ledger)
        node = await network.recover(self.placement, remains)
        self._follow_log()
        await network.bring_back(remains)
        await network.wait_joined(node)
        shutil.rmtree(ended.folder)

    def _follow_log(self) -> None:
        self._tail = LogTail(self.node.log)

    def _hear(self) -> None:
        for failure in self._failures.read(self._tail.lines()):
            self.tell(failure)
