"""A service of several node processes: started, joined, opened, repaired.

The service is asked as any client asks it: over HTTPS, with its members' signatures.
A request that fails because the primary changes is tried again until a deadline.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner, generate_keys
from ccfpy.client.opening import (
    RecoveryMember,
    carry,
    open_service,
    recover_service,
    wait_ready,
)
from ccfpy.client.requests import text_field
from ccfpy.ledger.chunk import PRIVATE_MODE
from ccfpy.local.configuration import (
    Placement,
    Remains,
    ServiceOptions,
    founder,
    joiner,
    recoverer,
)
from ccfpy.local.node import POLL_S, NodeFailed, NodeProcess

NODE_PROGRAM = (sys.executable, "-m", "ccfpy.cli.main", "node")
WHOLE, PUBLIC = "PartOfNetwork", "PartOfPublicNetwork"
"""A node's state once it has joined: with the whole state, or with the public part."""
PRIMARY_TIMEOUT_S = 30.0
JOIN_TIMEOUT_S = 40.0
GOVERNANCE_TIMEOUT_S = 60.0
ASK_TIMEOUT_S = 1.0
"""For one question to one node, which may be dead, paused or cut off."""


class NotInTime(CcfpyError):
    """The service did not reach the expected state before the deadline."""


class ProcessNetwork:
    """The nodes of one local service, dead ones included.

    Args:
        options: what all nodes have in common.
        before_start: is called with each node when its folder is ready, before it runs.

    Attributes:
        options: what they have in common.
        nodes: all nodes that were ever started, by number.
    """

    def __init__(
        self,
        options: ServiceOptions,
        *,
        before_start: Callable[[NodeProcess], None] | None = None,
    ) -> None:
        self.options = options
        self.nodes: list[NodeProcess] = []
        self._before_start = before_start

    @property
    def alive(self) -> list[NodeProcess]:
        """The nodes whose process runs."""
        return [node for node in self.nodes if node.is_alive]

    @property
    def serving(self) -> list[NodeProcess]:
        """The running nodes that have joined."""
        return [node for node in self.alive if node.has_joined]

    def make_keys(self, names: Iterable[str]) -> None:
        """Make the keys of members or users: a member has one for encryption too."""
        options = self.options
        for name in names:
            generate_keys(
                options.keys(name),
                curve=options.curve,
                with_encryption_key=name in options.members,
            )

    async def found(self, placement: Placement) -> None:
        """Make the members' keys, and start the first node.

        Raises:
            CcfpyError: the node does not come up.
        """
        self.make_keys(self.options.members)
        first = NodeProcess(self.options, 0, placement)
        first.prepare(founder(self.options, placement), trusted=None)
        self._start(first)
        await first.wait_started()
        first.has_joined = True
        shutil.copy(
            first.folder / self.options.service_certificate.name, self.options.shared
        )
        async with self.connect(first) as anybody:
            await wait_ready(anybody)

    async def begin(self, placements: Sequence[Placement]) -> None:
        """Start the first node, and join the other nodes before the service is opened.

        The users' keys are made last, as CCF's ``start_network.py`` does: a script that
        waits for a user's key finds all nodes joined and the service about to open.

        Raises:
            CcfpyError: a node does not come up.
        """
        await self.found(placements[0])
        joining = [self.launch(placement) for placement in placements[1:]]
        for node in joining:
            await node.wait_started()
        for node in joining:
            await self.wait_joined(node)
        self.make_keys(self.options.users)

    async def recover(
        self,
        placement: Placement,
        remains: Remains,
        *,
        timeout_s: float = JOIN_TIMEOUT_S,
    ) -> NodeProcess:
        """Start a node that recovers a lost service, as the first of a new one.

        Clients trust the new service from now on.

        Args:
            placement: where it runs.
            remains: of the lost service.
            timeout_s: for reading the public ledger.

        Raises:
            CcfpyError: the node does not reach the public state.
        """
        node = NodeProcess(self.options, len(self.nodes), placement)
        node.prepare(
            recoverer(self.options, placement, node.number, remains), trusted=None
        )
        node.ledger.mkdir(mode=PRIVATE_MODE)
        for path in remains.ledger.iterdir():
            if path.is_file():
                shutil.copyfile(path, node.ledger / path.name)
        self._start(node)
        await node.wait_started(timeout_s=timeout_s)
        self.options.shared.mkdir(parents=True, exist_ok=True)
        shutil.copy(
            node.folder / self.options.service_certificate.name, self.options.shared
        )
        node.has_joined = True
        await self.wait_joined(node, state=PUBLIC, timeout_s=timeout_s)
        return node

    async def bring_back(
        self, remains: Remains, *, before: Sequence[Mapping[str, Json]] = ()
    ) -> TxId:
        """Recover the service by its members; return the transaction that asked for it.

        Args:
            remains: of the lost service.
            before: actions that members decide on first, one after the other.

        Raises:
            ClientError: the members cannot.
        """
        options = self.options
        primary = await self.primary()
        async with self.connect(primary) as anybody:
            members = [
                RecoveryMember.of_files(anybody, options.keys(name))
                for name in options.members
            ]
            return await recover_service(
                anybody, members, previous=remains.identity.read_text(), before=before
            )

    async def open(self, actions: Sequence[Mapping[str, Json]] = ()) -> TxId:
        """Open the service to its users; return the transaction that did so.

        Args:
            actions: what else members vote for.

        Raises:
            ClientError: it does not open.
        """
        options = self.options
        primary = await self.primary()
        async with self.connect(primary) as anybody:
            return await open_service(
                anybody,
                self._members(anybody),
                users=[
                    options.keys(name).certificate.read_text() for name in options.users
                ],
                before=actions,
            )

    def launch(self, placement: Placement, *, target: str | None = None) -> NodeProcess:
        """Start a further node, which asks a running node to let it join.

        Args:
            placement: where it runs.
            target: the node that it asks, as ``HOST:PORT``; by default the serving node
                with the lowest number.
        """
        address = target or self.serving[0].address
        node = NodeProcess(self.options, len(self.nodes), placement)
        configuration = joiner(self.options, placement, node.number, target=address)
        node.prepare(configuration, trusted=self.options.service_certificate)
        self._start(node)
        return node

    def _start(self, node: NodeProcess) -> None:
        self.nodes.append(node)
        if self._before_start is not None:
            self._before_start(node)
        node.start()

    async def add(
        self, placement: Placement, *, target: str | None = None
    ) -> NodeProcess:
        """Start a further node, trust it by members' votes, and wait for it to join.

        Raises:
            CcfpyError: the node does not come up.
        """
        node = self.launch(placement, target=target)
        await node.wait_started()
        await self.trust(node)
        await self.wait_joined(node)
        return node

    async def trust(self, node: NodeProcess) -> TxId:
        """Trust a node that has asked to join, by members' votes.

        Raises:
            NotInTime: the members do not trust it before a deadline.
        """

        async def is_known() -> bool:
            primary = await self.primary()
            async with self.connect(primary) as anybody:
                reply = await anybody.request("GET", f"/node/network/nodes/{node.id}")
            node.require_alive()
            return not reply.is_error

        await self._wait_for(is_known, f"{node.name} to ask to join", JOIN_TIMEOUT_S)
        valid_from = datetime.now(tz=UTC) - timedelta(minutes=1)
        arguments: dict[str, Json] = {
            "node_id": node.id,
            "valid_from": valid_from.strftime("%y%m%d%H%M%SZ"),
        }
        return await self.govern(
            [{"name": "transition_node_to_trusted", "args": arguments}]
        )

    async def remove(self, node: NodeProcess) -> None:
        """Remove a node by members' votes, wait until it can be spared, and stop it.

        Raises:
            NotInTime: the node is not removed before a deadline.
        """
        await self.govern([{"name": "remove_node", "args": {"node_id": node.id}}])

        async def is_removed() -> bool:
            primary = await self.primary()
            async with self.connect(primary) as anybody:
                listed = await anybody.get("/node/network/removable_nodes")
                if node.id not in listed.text:
                    path = f"/node/network/nodes/{node.id}"
                    return (await anybody.request("GET", path)).is_error
                node.stop()
                await anybody.request("DELETE", f"/node/network/nodes/{node.id}")
            return False

        await self._wait_for(
            is_removed, f"the removal of {node.name}", GOVERNANCE_TIMEOUT_S
        )
        node.stop()

    async def govern(
        self,
        actions: Sequence[Mapping[str, Json]],
        *,
        timeout_s: float = GOVERNANCE_TIMEOUT_S,
    ) -> TxId:
        """Propose, vote and wait for the commit; return the accepting transaction.

        Raises:
            NotInTime: the proposal is not committed before a deadline.
        """
        done: list[TxId] = []

        async def is_done() -> bool:
            primary = await self.primary()
            async with self.connect(primary, timeout_s=5) as anybody:
                status = await carry(self._members(anybody), actions)
                assert status.txid is not None, "an accepted proposal is a transaction"
                await anybody.wait_committed(status.txid)
                done.append(status.txid)
            return True

        what = ", ".join(str(action["name"]) for action in actions)
        await self._wait_for(is_done, f"the members' {what}", timeout_s)
        return done[-1]

    async def wait_joined(
        self,
        node: NodeProcess,
        *,
        state: str = WHOLE,
        timeout_s: float = JOIN_TIMEOUT_S,
    ) -> None:
        """Wait until a node takes part in the service and has what is committed.

        Args:
            node: the node.
            state: the state to wait for; ``PUBLIC`` while the service is recovered.
            timeout_s: how long to wait.

        Raises:
            NotInTime: the node does not reach it.
            NodeFailed: the node ended.
        """

        async def is_part() -> bool:
            node.require_alive()
            primary = await self.primary()
            async with self.connect(primary) as anybody:
                target = (await anybody.get("/node/state")).txid
            async with self.connect(node) as anybody:
                reply = await anybody.get("/node/state")
                if text_field(reply.object(), "state") != state:
                    return False
                assert target is not None, "a node's state has an id"
                await anybody.wait_committed(target, timeout_s=2)
            return True

        await self._wait_for(is_part, f"{node.name} to join", timeout_s)
        node.has_joined = True

    async def has_ended(
        self, node: NodeProcess, *, timeout_s: float = JOIN_TIMEOUT_S
    ) -> bool:
        """Wait until a node that may be exiting has ended, or has what is committed.

        A process runs for a while after its node has failed. A node that has an entry
        which was committed after the failure has not failed.

        Raises:
            NotInTime: neither happens.
        """
        try:
            await self.wait_joined(node, timeout_s=timeout_s)
        except NodeFailed:
            return True
        return False

    async def primary(
        self,
        *,
        other_than: NodeProcess | None = None,
        timeout_s: float = PRIMARY_TIMEOUT_S,
    ) -> NodeProcess:
        """Find the node that most recently became primary, by what the nodes report.

        Args:
            other_than: a node to leave out, because it is dead or cut off.
            timeout_s: how long to ask.

        Raises:
            NotInTime: no running node is primary.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            asked = [n for n in self.serving if not n.is_paused and n is not other_than]
            answers = await asyncio.gather(*(self._ask_primary(node) for node in asked))
            said = sorted((a for a in answers if a is not None), reverse=True)
            for _, node_id in said:
                # The primary may be a node that joined a moment ago.
                for node in self.alive:
                    if node.id == node_id and node is not other_than:
                        return node
            if time.monotonic() > deadline:
                raise NotInTime(f"no primary in {timeout_s:g} s")
            await asyncio.sleep(POLL_S)

    async def _ask_primary(self, node: NodeProcess) -> tuple[int, str] | None:
        try:
            async with self.connect(node, timeout_s=ASK_TIMEOUT_S) as anybody:
                fields = (await anybody.get("/node/network")).object()
        except ClientError:
            return None
        view, primary = fields.get("current_view"), fields.get("primary_id")
        if not isinstance(view, int) or not isinstance(primary, str):
            return None
        return view, primary

    def connect(
        self,
        node: NodeProcess,
        name: str | None = None,
        *,
        timeout_s: float = 10.0,
        is_repeating: bool = True,
    ) -> Connection:
        """Make a connection to one node, as a participant or without a certificate."""
        return Connection(
            node.url,
            service_certificate=self.options.service_certificate.read_text(),
            identity=None if name is None else self.options.keys(name),
            timeout_s=timeout_s,
            is_repeating=is_repeating,
        )

    def stop(self) -> None:
        """Stop every node."""
        for node in self.nodes:
            node.stop()

    def _members(self, connection: Connection) -> list[Governance]:
        return [
            Governance(connection, FileSigner.load(self.options.keys(name)))
            for name in self.options.members
        ]

    @staticmethod
    async def _wait_for(
        condition: Callable[[], Awaitable[bool]],
        what: str,
        timeout_s: float,
    ) -> None:
        """Wait for a condition until a deadline, whatever the service answers."""
        deadline = time.monotonic() + timeout_s
        trouble: CcfpyError | None = None
        while True:
            try:
                if await condition():
                    return
            except ClientError as error:
                trouble = error
            if time.monotonic() > deadline:
                because = f": {trouble}" if trouble else ""
                raise NotInTime(f"waited {timeout_s:g} s for {what}{because}")
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def running_service(
    options: ServiceOptions, placements: Sequence[Placement]
) -> AsyncIterator[ProcessNetwork]:
    """Begin and open a service, and stop its nodes whatever happens."""
    network = ProcessNetwork(options)
    try:
        await network.begin(placements)
        await network.open()
        yield network
    finally:
        network.stop()
