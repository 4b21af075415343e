"""Clients that have leases: one keeps a lease alive, another lets leases end.

What they did and saw is recorded, to be judged when the run is over.
"""

import asyncio
import random
from collections.abc import Callable

from apps.etcd.limits import LEASE_TTL_S_MIN
from ccfpy.base.ids import View
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.errors import ClientError, UnexpectedReply
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.leases import LeaseEvent, Look, Renewal
from tests.lab.faults.etcd_clients import EtcdClients, b64

SHORT_TIMEOUTS = 3
"""How long a lease lasts that is left alone, in election timeouts."""
KEPT_TIMEOUTS = 15
"""How long a lease lasts that is kept alive, in election timeouts: longer than it takes
to replace a primary."""
RENEWALS_PER_TTL = 6
RENEWALS_MAX = 3
"""How often a lease is renewed that is left alone then."""
LOOK_S = 0.2


class LeaseHolders:
    """Leases of one run.

    Args:
        clients: who ask.
        choose: chooses the node to ask.
        now_s: the clock of what is recorded.
        election_timeout_s: of the nodes.
        dice: decide how long leases are kept alive.

    Attributes:
        events: what was done and seen.
        kept_over: how often a lease was renewed in a later view than before.
        has_begun: set once a lease is held that is to be kept alive.
        has_ended: set once such a lease was renewed after the end.
    """

    def __init__(
        self,
        clients: EtcdClients,
        *,
        choose: Callable[[], NodeProcess],
        now_s: Callable[[], float],
        election_timeout_s: float,
        dice: random.Random,
    ) -> None:
        self.events: list[LeaseEvent] = []
        self.kept_over = 0
        self.has_begun = asyncio.Event()
        self.has_ended = asyncio.Event()
        self._choose = choose
        self._clients = clients
        self._now_s = now_s
        self._kept_ttl_s = _ttl_s(KEPT_TIMEOUTS * election_timeout_s)
        self._short_ttl_s = _ttl_s(SHORT_TIMEOUTS * election_timeout_s)
        self._dice = dice
        self._keys = 0
        self._is_over = False

    def end(self) -> None:
        """End each holder when its lease allows."""
        self._is_over = True

    async def keep(self) -> None:
        """Keep one lease alive after another, and look at their keys.

        The last one is renewed once more after the end: on a starved machine that may
        be the first renewal since a primary was replaced.
        """
        while not self._is_over:
            held = await self._begin("keeper", self._kept_ttl_s)
            if held is None:
                continue
            self.has_begun.set()
            await self._keep(*held)
        self.has_ended.set()

    async def _keep(self, lease: int, key: str, view: View) -> None:
        """Keep a lease alive until it was renewed after the end, or is gone."""
        is_last = False
        while not is_last:
            was_over = self._is_over
            await asyncio.sleep(self._kept_ttl_s / RENEWALS_PER_TTL)
            renewed = await self._renew("keeper", lease, self._kept_ttl_s)
            if renewed is not None:
                self.kept_over += renewed > view
                view = renewed
                is_last = was_over
            if await self._look("keeper", lease, key) is False:
                return

    async def leave_alone(self) -> None:
        """Renew leases a few times, and then look until their keys are gone."""
        while not self._is_over:
            held = await self._begin("leaver", self._short_ttl_s)
            if held is None:
                continue
            lease, key, _ = held
            for _ in range(self._dice.randint(0, RENEWALS_MAX)):
                await asyncio.sleep(self._short_ttl_s / RENEWALS_PER_TTL)
                await self._renew("leaver", lease, self._short_ttl_s)
            is_there: bool | None = True
            while is_there is not False:
                await asyncio.sleep(LOOK_S)
                is_there = await self._look("leaver", lease, key)

    async def _begin(self, client: str, ttl_s: int) -> tuple[int, str, View] | None:
        """Begin a lease with a key; return its id, the key and the view of the put."""
        sent_s = self._now_s()
        try:
            _, told = await self._ask(client, "lease/grant", {"TTL": str(ttl_s)})
            lease = number_of(told, "ID")
            self._note_renewal(lease, sent_s, ttl_s, is_answered=True)
            self._keys += 1
            key = f"leased/{self._keys}"
            txid = await self._clients.put(
                client, self._choose(), key=key, value=str(self._keys), lease=lease
            )
        except ClientError:
            await asyncio.sleep(LOOK_S)
            return None
        return lease, key, txid.view

    async def _renew(self, client: str, lease: int, ttl_s: int) -> View | None:
        """Renew a lease; return the view of the renewal if it is known."""
        sent_s = self._now_s()
        try:
            view, told = await self._ask(client, "lease/keepalive", {"ID": str(lease)})
            has_renewed = number_of(told.get("result"), "TTL", default=0) > 0
        except ClientError:
            self._note_renewal(lease, sent_s, ttl_s, is_answered=False)
            return None
        if not has_renewed:
            self._note_look(lease, sent_s, is_there=False)
            return None
        self._note_renewal(lease, sent_s, ttl_s, is_answered=True)
        return view

    async def _look(self, client: str, lease: int, key: str) -> bool | None:
        """Read the key of a lease; return whether it is there, if that is known."""
        sent_s = self._now_s()
        try:
            _, told = await self._ask(client, "kv/range", {"key": b64(key)})
        except ClientError:
            return None
        is_there = bool(told.get("kvs"))
        self._note_look(lease, sent_s, is_there=is_there)
        return is_there

    async def _ask(
        self, client: str, call: str, request: JsonObject
    ) -> tuple[View, JsonObject]:
        txid, told = await self._clients.ask(client, self._choose(), call, request)
        return txid.view, told

    def _note_renewal(
        self, lease: int, sent_s: float, ttl_s: int, *, is_answered: bool
    ) -> None:
        self.events.append(
            Renewal(
                lease=lease,
                sent_s=sent_s,
                ended_s=self._now_s(),
                ttl_s=ttl_s,
                is_answered=is_answered,
            )
        )

    def _note_look(self, lease: int, sent_s: float, *, is_there: bool) -> None:
        self.events.append(
            Look(
                lease=lease,
                sent_s=sent_s,
                answered_s=self._now_s(),
                is_there=is_there,
            )
        )


def _ttl_s(seconds: float) -> int:
    """Return the whole seconds that etcd grants."""
    return max(LEASE_TTL_S_MIN, round(seconds))


def number_of(told: Json, name: str, *, default: int | None = None) -> int:
    """Read a number from an answer, which leaves 0 out.

    Raises:
        UnexpectedReply: the answer has none.
    """
    value = told.get(name, default) if isinstance(told, dict) else None
    if isinstance(value, str) and value.isdigit():
        return int(value)
    if default is not None and value == default:
        return default
    raise UnexpectedReply(f"no number {name}: {str(told)[:200]}")
