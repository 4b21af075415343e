"""What a node asks of the application it serves."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.index_strategies import Index
from ccfpy.endpoints.jobs import Job
from ccfpy.endpoints.registry import Registry


class Application(Protocol):
    """An application: a name and its endpoints.

    The public face (`ccfpy.app`) makes these; a node never sees more of an app.
    """

    @property
    def name(self) -> str:
        """The name a node reports and a stand-in executable carries."""
        ...

    @property
    def body_bytes_max(self) -> int:
        """How long a request's body may be where a node's configuration is silent."""
        ...

    def registry(self) -> Registry:
        """Return the endpoints under ``/app``, in a registry of the node's own."""
        ...

    def indexes(self) -> Sequence[Index[Any]]:
        """Return the indexes that each node has of its own."""
        ...

    def jobs(self) -> Sequence[Job]:
        """Return what nodes do by themselves."""
        ...

    def protocols(self) -> Mapping[str, Endpoint]:
        """Return what sessions are executed as, by the names of their protocols."""
        ...

    def create_claims(self, constitution: str) -> bytes | None:
        """Return 32 bytes to bind into the receipt of the service's first transaction.

        ``None`` binds nothing.
        """
        ...
