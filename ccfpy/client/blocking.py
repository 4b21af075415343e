"""The client without ``async``, for scripts and notebooks.

One event loop in the caller's thread; every method runs it until its answer is there.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from ccfpy.base.ids import TxId
from ccfpy.client.connection import COMMIT_TIMEOUT_S, Connection
from ccfpy.client.receipts import RECEIPT_TIMEOUT_S, fetch_receipt
from ccfpy.client.requests import Options, Reply, Sending, Writing, Written
from ccfpy.ledger.receipt import Receipt

_T = TypeVar("_T")


class BlockingConnection:
    """A ``Connection`` whose methods wait; a context manager.

    Each method is that of ``Connection`` with the same name: the same arguments, answer
    and errors.

    Attributes:
        connection: what waits; for whatever takes a ``Connection``, with ``run``.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        """Begin to use the connection."""
        self.run(self.connection.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection and the loop."""
        self.run(self.connection.__aexit__(kind, value, trace))
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run anything asynchronous on this connection's loop."""
        return self._runner.run(work)

    def request(self, method: str, path: str, **options: Unpack[Sending]) -> Reply:
        """Send one request; see ``Connection.request``."""
        return self.run(self.connection.request(method, path, **options))

    def get(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Read; see ``Connection.get``."""
        return self.run(self.connection.get(path, **options))

    def head(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Ask for headers; see ``Connection.head``."""
        return self.run(self.connection.head(path, **options))

    def options(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Ask for a path's methods; see ``Connection.options``."""
        return self.run(self.connection.options(path, **options))

    def post(self, path: str, json: object = None, **options: Unpack[Options]) -> Reply:
        """Send JSON, or another body; see ``Connection.post``."""
        return self.run(self.connection.post(path, json, **options))

    def put(self, path: str, json: object = None, **options: Unpack[Options]) -> Reply:
        """Send JSON, or another body; see ``Connection.put``."""
        return self.run(self.connection.put(path, json, **options))

    def patch(
        self, path: str, json: object = None, **options: Unpack[Options]
    ) -> Reply:
        """Send JSON, or another body; see ``Connection.patch``."""
        return self.run(self.connection.patch(path, json, **options))

    def delete(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Delete; see ``Connection.delete``."""
        return self.run(self.connection.delete(path, **options))

    def get_when_ready(self, path: str, **options: Unpack[Sending]) -> Reply:
        """Read until it is ready; see ``Connection.get_when_ready``."""
        return self.run(self.connection.get_when_ready(path, **options))

    def write(self, method: str, path: str, **options: Unpack[Writing]) -> Written:
        """Write and wait for commit; see ``Connection.write``."""
        return self.run(self.connection.write(method, path, **options))

    def wait_committed(
        self, txid: TxId, *, timeout_s: float = COMMIT_TIMEOUT_S
    ) -> None:
        """Wait for commit; see ``Connection.wait_committed``."""
        self.run(self.connection.wait_committed(txid, timeout_s=timeout_s))

    def receipt(self, txid: TxId) -> Receipt:
        """Fetch a receipt, unverified; see ``receipts.fetch_receipt``."""
        return self.run(fetch_receipt(self.connection, txid))

    def verified_receipt(
        self,
        txid: TxId,
        *,
        claims_digest: bytes | None = None,
        timeout_s: float = RECEIPT_TIMEOUT_S,
    ) -> Receipt:
        """Fetch a receipt and verify it; see ``Connection.verified_receipt``."""
        return self.run(
            self.connection.verified_receipt(
                txid, claims_digest=claims_digest, timeout_s=timeout_s
            )
        )

    def learn_addresses(self, *, interface: str | None = None) -> Sequence[str]:
        """Keep the nodes' addresses; see ``Connection.learn_addresses``."""
        return self.run(self.connection.learn_addresses(interface=interface))
