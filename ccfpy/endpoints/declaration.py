"""An endpoint as data: its path, its policies, how it runs, its description.

The names of modes, forwarding and redirection are those of CCF's ``app.json``
(``include/ccf/endpoint.h``), because bundles and OpenAPI documents carry them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.base.json import Json

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.consensus.status import TxStatus
    from ccfpy.endpoints.auth.policy import AuthPolicy
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.pending import Answer
    from ccfpy.http.messages import Response


class Mode(StrEnum):
    """What kind of transaction a handler runs in."""

    READ_WRITE = "readwrite"
    READ_ONLY = "readonly"
    HISTORICAL = "historical"
    COMMAND = "command"
    """No transaction at all: the handler only looks at the node, never at the KV."""


class Forwarding(StrEnum):
    """Whether a backup hands the request to the primary."""

    SOMETIMES = "sometimes"
    """Only when an earlier request of the same session was forwarded."""
    ALWAYS = "always"
    NEVER = "never"


class Redirection(StrEnum):
    """Where a node that should not answer sends the caller."""

    NONE = "none"
    TO_PRIMARY = "to_primary"
    TO_BACKUP = "to_backup"


Handler: TypeAlias = "Callable[[Context], Answer]"
"""Answers a request, now or later; raising ``ApiError`` answers with that error."""

LocalCommitHandler: TypeAlias = "Callable[[Context, Response, TxId], None]"
"""Shapes the response once its transaction has an id (``include/ccf/endpoint.h``)."""

CommitHandler: TypeAlias = "Callable[[Context, TxId, TxStatus], Response]"
"""Makes the answer once it is known what became of the transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An endpoint's description: the parts of an OpenAPI operation that it knows."""

    summary: str = ""
    description: str = ""
    parameters: tuple[Mapping[str, Json], ...] = ()
    request_schema: Mapping[str, Json] | None = None
    request_content_type: str = "application/json"
    is_body_required: bool = True
    response_schema: Mapping[str, Json] | None = None
    response_content_type: str = "application/json"
    success_status: int = 200
    also: Mapping[int, str | None] = field(default_factory=dict)
    """Other statuses that are no errors of the usual form, with the kind of their text,
    or ``None`` where the answer has no body."""
    deprecated: bool = False
    hidden: bool = False
    """Left out of the document: the endpoint is for nodes, not for people."""
    components: Mapping[str, Json] = field(default_factory=dict)
    """Named schemas that the two schemas above refer to."""
    metadata: Json = None
    """What somebody else says of it, of any kind; it goes before what is said here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One verb on one path of a frontend.

    Attributes:
        path: without the frontend's prefix, with ``{name}`` for each path parameter.
        auth: tried in order, the first that accepts wins; empty means anybody.
        execution_ms_max: how long its handler, and each policy of an application's own,
            may take, if not as long as any of the service's; 0 if that is limited
            elsewhere.
        is_counted: the node's metrics count its requests apart from others', so that
            the owner of the host sees how often it is called.
        hides_counts: its requests are counted for the application alone; the node's
            metrics count them with all others.
        is_live: it answers at a request's headers, by a stream.
    """

    method: str
    path: str
    handler: Handler
    mode: Mode = Mode.READ_WRITE
    forwarding: Forwarding = Forwarding.ALWAYS
    redirection: Redirection = Redirection.TO_PRIMARY
    auth: "tuple[AuthPolicy, ...]" = ()
    operation: Operation = field(default_factory=Operation)
    on_local_commit: "LocalCommitHandler | None" = None
    execution_ms_max: int | None = None
    is_counted: bool = False
    hides_counts: bool = False
    is_live: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether the owner of the host sees how often it is called."""
        return self.is_counted and not self.hides_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An endpoint, and what a request's path made of it.

    Attributes:
        params: the values of the path's parameters, percent-decoded.
        full_path: the endpoint's template with the frontend's prefix.
    """

    endpoint: Endpoint
    params: Mapping[str, str]
    full_path: str
