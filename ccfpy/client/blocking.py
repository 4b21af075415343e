"""The client without ``async``, for scripts and notebooks.

One event loop in the caller's thread; every method runs it until its answer is there.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.receipts import fetch_receipt
from ccfpy.client.reply import Reply
from ccfpy.ledger.receipt import Receipt

_T = TypeVar("_T")


class BlockingConnection:
    """A ``Connection`` whose methods wait; a context manager.

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

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; see ``Connection.request``."""
        return self.run(
            self.connection.request(method, path, body=body, json=json, headers=headers)
        )

    def get(self, path: str) -> Reply:
        """Read; see ``Connection.get``."""
        return self.run(self.connection.get(path))

    def post(self, path: str, json: object) -> Reply:
        """Send JSON; see ``Connection.post``."""
        return self.run(self.connection.post(path, json))

    def wait_committed(self, txid: TxId) -> None:
        """Wait for commit; see ``Connection.wait_committed``."""
        self.run(self.connection.wait_committed(txid))

    def receipt(self, txid: TxId) -> Receipt:
        """Fetch a receipt; see ``receipts.fetch_receipt``."""
        return self.run(fetch_receipt(self.connection, txid))
