"""One recovery, from the first node's start until the service is open.

It does what members do, as far as their keys were given. Otherwise it says which
members must do what, and waits: they use ``ccfpy gov``, from any machine.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccfpy.audit.shareholders import Shareholders, submitted_shares, was_unsealed
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId, Seqno
from ccfpy.base.json import Json
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.output import counted, print_json
from ccfpy.cli.recover_members import MemberAtHand
from ccfpy.cli.terminal import Terminal
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.governance import Governance, read_governance
from ccfpy.client.opening import (
    RecoveryMember,
    go_on_from,
    hand_in,
    put_to_vote,
    recorded_identity,
    wait_open,
)
from ccfpy.client.requests import text_field
from ccfpy.local.configuration import Placement, Remains, ServiceOptions
from ccfpy.local.network import PUBLIC, WHOLE, ProcessNetwork

POLL_S = 0.2
ANSWER_TIMEOUT_S = 60.0
"""For one answer: a node may be slow once it has read a ledger."""
READING_TIMEOUT_S = 7 * 24 * 3600.0
"""For a node to read a ledger of any size; a node that fails ends by itself."""
WAITING, OPEN = "WaitingForRecoveryShares", "Open"
"""A service that members have decided to recover, and one that is recovered."""
NOT_UNSEALED = "Failed to unseal"
"""How a node's log says that sealed secrets do not open the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One recovery to carry out.

    Attributes:
        options: of the new service's nodes.
        placements: where they run.
        remains: the files with which the first node begins.
        last_signed: the last signed seqno of these files.
        holders: the members that have recovery shares.
        members: keys of members on this machine.
        before: actions that members decide on first, each by itself.
        timeout_s: for other members; None waits for ever.
    """

    options: ServiceOptions
    placements: Sequence[Placement]
    remains: Remains
    last_signed: Seqno
    holders: Shareholders
    members: Sequence[MemberAtHand]
    timeout_s: float | None
    before: Sequence[Mapping[str, Json]] = ()


@dataclass(slots=True)
class Recovery:
    """The recovery under way."""

    task: Task
    say: Terminal
    json: bool
    network: ProcessNetwork = field(init=False)

    def __post_init__(self) -> None:
        self.network = ProcessNetwork(self.task.options)

    async def run(self, *, detach: bool) -> None:
        """Recover the service, and keep it until it is stopped.

        Args:
            detach: leave the nodes running and return, once everything that can be
                done with the keys at hand is done.

        Raises:
            CommandFailed: the recovery fails; the nodes have been stopped.
        """
        is_left = False
        try:
            await self._start()
            is_open = await self._bring_back(wait=not detach)
            if is_open:
                await self._tell_open()
            is_left = detach
            if not detach:
                await self._until_they_end()
        finally:
            if not is_left:
                self.network.stop()
                self.say.say("The nodes have stopped.")

    async def _start(self) -> None:
        network, task = self.network, self.task
        first, *others = task.placements
        try:
            node = await network.recover(
                first, task.remains, timeout_s=READING_TIMEOUT_S
            )
            joining = [network.launch(placement) for placement in others]
            for each in joining:
                await each.wait_started()
            for each in joining:
                await network.wait_joined(
                    each, state=PUBLIC, timeout_s=READING_TIMEOUT_S
                )
        except CcfpyError as error:
            ended = [each for each in network.nodes if not each.is_alive]
            if not ended:
                raise
            raise CommandFailed(
                f"node {ended[0].number} did not recover: {ended[0].last_words()}; its "
                f"log is {ended[0].log}"
            ) from error
        self._tell(
            f"the public state is back, under a new certificate: {node.url}, "
            f"{task.options.service_certificate}",
            {"step": "started", **self._facts()},
        )

    async def _bring_back(self, *, wait: bool) -> bool:
        """Do what members must; return whether the service is open."""
        primary = await self.network.primary()
        async with self.network.connect(primary, timeout_s=ANSWER_TIMEOUT_S) as anybody:
            members = [
                RecoveryMember(
                    governance=Governance(anybody, each.signer),
                    decrypter=each.decrypter,
                )
                for each in self.task.members
            ]
            for member in members:
                await member.governance.acknowledge()
            deadline = self._deadline()
            if not await self._decide_first(anybody, members, deadline, wait=wait):
                self._tell_votes(None)
                return False
            proposal = await self._decide(anybody, members)
            if not await self._is_decided(anybody):
                self._tell_votes(proposal)
                if not wait:
                    return False
                while not await self._is_decided(anybody):
                    await self._pause(deadline, "the members' votes")
            if not self._is_unsealed() and not await self._hand_in(anybody, members):
                if not wait:
                    self._tell_shares(self._submitted())
                    return False
                await self._wait_for_shares(anybody, deadline)
            await self._wait_whole()
            await wait_open(anybody)
        return True

    async def _decide_first(
        self,
        anybody: Connection,
        members: Sequence[RecoveryMember],
        deadline: float | None,
        *,
        wait: bool,
    ) -> bool:
        """Ask members to decide on what comes before; return whether they have."""
        voters = [member.governance for member in members]
        for action in self.task.before:
            name = str(action["name"])
            status = await put_to_vote(voters, [action])
            state = status.state
            if status.is_open:
                self._tell(
                    f"members must first accept {name}. Each of the others:",
                    {"step": "waiting_for_votes", "proposal": status.proposal_id},
                    self._voting(status.proposal_id),
                )
                if not wait:
                    return False
            while state == "Open":
                await self._pause(deadline, f"votes on {name}")
                path = f"members/proposals/{status.proposal_id}"
                told = await read_governance(anybody, path)
                assert isinstance(told, dict), "a proposal is an object"
                state = text_field(told, "proposalState")
            _require_accepted(status.proposal_id, state)
            self._tell(f"members accepted {name}", {"step": "accepted", "action": name})
        return True

    def _is_unsealed(self) -> bool:
        """Return whether sealed secrets open the ledger; report why not, if given."""
        if self.task.remains.sealed is None:
            return False
        first = self.network.nodes[0]
        if was_unsealed([first.ledger], after=self.task.last_signed):
            self._tell("what was sealed opens the ledger", {"step": "unsealed"})
            return True
        lines = first.log.read_text(errors="replace").splitlines()
        reasons = [line.partition("| ")[2] for line in lines if NOT_UNSEALED in line]
        self._tell(
            f"nothing in {self.task.remains.sealed} opens the ledger here, so members' "
            "shares are needed:",
            {"step": "not_unsealed", "reasons": reasons},
            reasons,
        )
        return False

    async def _decide(
        self, anybody: Connection, members: Sequence[RecoveryMember]
    ) -> str | None:
        """Propose the recovery; return the proposal's id if other members must vote."""
        if not members or await self._is_decided(anybody):
            return None
        lost = await recorded_identity(anybody, self.task.remains.identity.read_text())
        action = go_on_from(lost, under=anybody.service_certificate)
        voters = [member.governance for member in members]
        status = await put_to_vote(voters, [action])
        if status.is_open:
            return status.proposal_id
        _require_accepted(status.proposal_id, status.state)
        assert status.txid is not None, "an accepted proposal is a transaction"
        await anybody.wait_committed(status.txid, timeout_s=ANSWER_TIMEOUT_S)
        self._tell(
            f"members decided to go on from the lost service, in {status.txid}",
            {"step": "decided", "transaction": str(status.txid)},
        )
        return None

    async def _is_decided(self, anybody: Connection) -> bool:
        return await self._status(anybody) in (WAITING, OPEN)

    async def _hand_in(
        self, anybody: Connection, members: Sequence[RecoveryMember]
    ) -> bool:
        """Submit shares until there are enough, if the service asks for any."""
        if await self._status(anybody) == OPEN:
            return True
        if not self.task.holders.holding:
            raise CommandFailed("no member has a recovery share: nothing can be opened")
        handed = await hand_in(members, already=self._submitted())
        if handed.count:
            self._tell(
                f"{counted(handed.count, 'share')} handed in",
                {"step": "handed_in", "count": handed.count},
            )
        return handed.is_enough

    async def _wait_for_shares(
        self, anybody: Connection, deadline: float | None
    ) -> None:
        told: frozenset[MemberId] | None = None
        while await self._status(anybody) == WAITING and await self._state() == PUBLIC:
            has = self._submitted()
            if has != told:
                self._tell_shares(has)
                told = has
            await self._pause(deadline, "members' shares")

    async def _wait_whole(self) -> None:
        """Wait until every node has the private state, for as long as they work."""
        for node in self.network.nodes:
            await self.network.wait_joined(
                node, state=WHOLE, timeout_s=READING_TIMEOUT_S
            )

    async def _status(self, anybody: Connection) -> str:
        self.network.nodes[0].require_alive()
        told = (await anybody.get("/node/network")).object()
        return text_field(told, "service_status")

    async def _state(self) -> str:
        first = self.network.nodes[0]
        async with self.network.connect(first, timeout_s=ANSWER_TIMEOUT_S) as anybody:
            return text_field((await anybody.get("/node/state")).object(), "state")

    def _submitted(self) -> frozenset[MemberId]:
        ledgers = [node.ledger for node in self.network.nodes]
        return submitted_shares(ledgers[:1], after=self.task.last_signed)

    def _deadline(self) -> float | None:
        timeout_s = self.task.timeout_s
        return None if timeout_s is None else time.monotonic() + timeout_s

    @staticmethod
    async def _pause(deadline: float | None, what: str) -> None:
        if deadline is not None and time.monotonic() > deadline:
            raise ClientError(f"waited in vain for {what}")
        await asyncio.sleep(POLL_S)

    def _tell_votes(self, proposal: str | None) -> None:
        lost, new = self.task.remains.identity, self.task.options.service_certificate
        propose = (
            "ccfpy gov propose --as NAME --action transition_service_to_open "
            f"--arg previous_service_identity=@{lost} "
            f"--arg next_service_identity=@{new} {self._where()}"
        )
        self._tell(
            "the service is waiting for votes to go on from the lost one. Each member:",
            {"step": "waiting_for_votes", "proposal": proposal},
            self._voting(proposal, *([] if proposal else [propose])),
        )

    def _voting(self, proposal: str | None, *before: str) -> list[str]:
        """Return the commands by which a member acknowledges and votes."""
        where = self._where()
        return [
            f"ccfpy gov ack --as NAME {where}",
            *before,
            f"ccfpy gov vote {proposal or 'PROPOSAL'} --as NAME {where}",
        ]

    def _tell_shares(self, has: frozenset[MemberId]) -> None:
        holders = self.task.holders
        lacking = [each.id for each in holders.holding if each.id not in has]
        self._tell(
            f"{len(has)} of {holders.threshold} shares are there. Those who may yet "
            "hand one in:",
            {
                "step": "waiting_for_shares",
                "threshold": holders.threshold,
                "submitted": sorted(has),
                "may_submit": lacking,
            },
            [*lacking, f"ccfpy gov share --as NAME {self._where()}"],
        )

    async def _tell_open(self) -> None:
        urls = ", ".join(node.url for node in self.network.nodes)
        self._tell(f"the service is open: {urls}", {"step": "open", **self._facts()})

    async def _until_they_end(self) -> None:
        self.say.say()
        self.say.say("The service is running. Press Ctrl-C to stop it.")
        await self._none_is_alive()
        node = self.network.nodes[-1]
        raise CommandFailed(f"the nodes ended by themselves: {node.last_words()}")

    async def _none_is_alive(self) -> None:
        while True:
            if not self.network.alive:
                return
            await asyncio.sleep(POLL_S)

    def _where(self) -> str:
        options = self.task.options
        return (
            f"--url {self.network.nodes[0].url} --cacert {options.service_certificate}"
        )

    def _facts(self) -> Mapping[str, object]:
        nodes = self.network.nodes
        return {
            "url": nodes[0].url,
            "service_certificate": str(self.task.options.service_certificate.resolve()),
            "previous_certificate": str(self.task.remains.identity.resolve()),
            "nodes": [
                {
                    "id": node.id,
                    "url": node.url,
                    "folder": str(node.folder.resolve()),
                    "pid": node.pid,
                }
                for node in nodes
            ],
        }

    def _tell(
        self, text: str, value: Mapping[str, object], lines: Sequence[str] = ()
    ) -> None:
        if self.json:
            print_json(value)
            return
        self.say.say(("✓", "green"), f" {text}")
        for line in lines:
            self.say.say(f"    {line}")


def _require_accepted(proposal: str, state: str) -> None:
    if state != "Accepted":
        raise CommandFailed(f"the members' proposal {proposal} is {state}")
