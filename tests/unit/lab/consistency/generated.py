"""Histories of a service that keeps its word, made from a seed.

A model of many branches: a view begins from what is committed and some of what is not,
old primaries go on answering on their branches for a while, and only the latest view
commits. Answers get lost, clients forget to ask what became of a write.
"""

import random
from dataclasses import dataclass, field

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency.history import (
    Answered,
    Event,
    GivenUp,
    History,
    InLedger,
    Op,
    Sent,
    StatusSeen,
)

TAILS = {"list": 1_000_000, "register": 2, "counter": 1}
"""How much of an object an answer shows."""


@dataclass(frozen=True, slots=True)
class Written:
    txid: TxId
    key: str
    op: Op


@dataclass(slots=True)
class Model:
    """The service and its clients.

    Attributes:
        branches: the log of each view's primary.
        commit: how many entries of the latest view's log are committed.
    """

    dice: random.Random
    branches: dict[int, list[Written]] = field(default_factory=lambda: {2: []})
    view: int = 2
    commit: int = 0
    now: int = 0
    ops: int = 0
    events: list[Event] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)
    txids: list[TxId] = field(default_factory=list)

    def tick(self) -> int:
        self.now += self.dice.randint(1, 5)
        return self.now

    def send(self, key: str, *, is_write: bool) -> None:
        """Send, and perhaps carry out; the answer waits for its delivery."""
        self.ops += 1
        op, client = self.ops, f"c{self.dice.randint(0, 3)}"
        view = self.dice.choice([self.view, self.view, *self.branches])
        node = f"n{view % 3}"
        at_us = self.tick()
        self.events.append(
            Sent(
                at_us=at_us, client=client, node=node, op=op, key=key, is_write=is_write
            )
        )
        if self.dice.random() < 0.05:
            return  # lost on its way
        log = self.branches[view]
        if is_write:
            log.append(Written(TxId(view, len(log) + 1), key, op))
        if not log:
            return
        seen = [entry.op for entry in log if entry.key == key]
        kept = TAILS[key.partition("-")[0]]
        if self.dice.random() < 0.05:
            self.waiting.append(
                GivenUp(at_us=0, client=client, node=node, op=op, reason="time-out")
            )
            return
        self.waiting.append(
            Answered(
                at_us=0,
                client=client,
                node=node,
                op=op,
                txid=log[-1].txid,
                count=len(seen),
                tail=tuple(seen[-kept:]),
            )
        )

    def deliver(self) -> None:
        """Deliver some answer."""
        if not self.waiting:
            return
        event = self.waiting.pop(self.dice.randrange(len(self.waiting)))
        if isinstance(event, Answered):
            self.txids.append(event.txid)
        values = {name: getattr(event, name) for name in event.__slots__}
        self.events.append(type(event)(**values | {"at_us": self.tick()}))

    def elect(self) -> None:
        """Begin a view on what is committed and a part of what is not."""
        old = self.branches[self.view]
        kept = self.dice.randint(self.commit, len(old))
        self.view += self.dice.randint(1, 2)
        self.branches[self.view] = old[:kept]
        for view in sorted(self.branches)[:-2]:
            del self.branches[view]

    def advance(self) -> None:
        """Commit up to an entry of the latest view; older ones only with it."""
        log = self.branches[self.view]
        if log and log[-1].txid.view == self.view:
            self.commit = len(log)

    def status_of(self, txid: TxId) -> TxStatus:
        log = self.branches[self.view]
        view, seqno = txid
        ours = log[seqno - 1].txid if seqno <= len(log) else None
        if seqno <= self.commit:
            return TxStatus.COMMITTED if ours == txid else TxStatus.INVALID
        if ours == txid:
            return TxStatus.PENDING
        if self.commit and log[self.commit - 1].txid.view > view:
            return TxStatus.INVALID
        return TxStatus.UNKNOWN

    def ask(self) -> None:
        """Ask for a status as a client."""
        if self.txids:
            txid = self.dice.choice(self.txids[-20:])
            self.events.append(
                StatusSeen(
                    at_us=self.tick(),
                    client="c0",
                    node=f"n{self.dice.randint(0, 2)}",
                    txid=txid,
                    status=self.status_of(txid),
                )
            )

    def ledger(self) -> list[InLedger]:
        counts: dict[str, int] = {}
        lines: list[InLedger] = []
        for entry in self.branches[self.view][: self.commit]:
            counts[entry.key] = counts.get(entry.key, 0) + 1
            lines.append(
                InLedger(
                    txid=entry.txid, key=entry.key, op=entry.op, count=counts[entry.key]
                )
            )
        return lines


def generate(seed: int, *, steps: int = 400) -> History:
    """Make a history that a correct service could have had."""
    model = Model(random.Random(seed))
    keys = ["list-1", "list-2", "register-1", "counter-1"]
    for _ in range(steps):
        what = model.dice.random()
        if what < 0.35:
            key = model.dice.choice(keys)
            model.send(key, is_write=model.dice.random() < 0.7)
        elif what < 0.7:
            model.deliver()
        elif what < 0.72:
            model.elect()
        elif what < 0.78:
            model.advance()
        else:
            model.ask()
    model.advance()
    for txid in model.txids[:: model.dice.randint(1, 3)]:
        model.txids = [txid]
        model.ask()
    return History(events=model.events, ledger=model.ledger())
