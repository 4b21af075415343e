"""One operation of the governance API, as its document and its server need it.

Every operation requires ``?api-version=``. The versions differ only in which operations
exist: those that describe the JavaScript application came with the second.

What governance asks of the node it runs on.

The node keeps the keys, the ledger and the clock. Every method that takes a transaction
writes only through it, so an effect happens when the transaction commits, and only
then. A node that must remember something until then ties it to the transaction. A
refused effect raises a ``CcfpyError``, whose text reaches the members.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from ccfpy.base.ids import Seqno
from ccfpy.base.ports import Entropy
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Handler, Mode
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.js.extensions.network import ServiceAuthority
from ccfpy.js.extensions.node import NodeEffects
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.tx import Tx

if TYPE_CHECKING:
    from ccfpy.endpoints.auth.policy import AuthPolicy
    from ccfpy.endpoints.pending import Answer


class GovernanceNode(NodeEffects, ServiceAuthority, Protocol):
    """The node, as governance sees it.

    What an accepted proposal may ask of the node is declared where JavaScript asks for
    it: `ccfpy.js.extensions.node` and `ccfpy.js.extensions.network`.

    Attributes:
        engine: the engine that runs constitutions and ballots.
    """

    engine: QuickJs

    @property
    def entropy(self) -> Entropy:
        """The randomness for ``ccf.crypto`` and ``Math.random``."""
        ...

    def check_room_for_script(self) -> None:
        """Check that a script may be called for the member whose request this is.

        Raises:
            ApiError: 503, too many calls are slow, or of this member's.
        """
        ...

    def log(self, level: str, text: str) -> None:
        """Write a line to the node's log under the tag ``gov``.

        Everything governance logs is public.

        Args:
            level: ``debug``, ``info`` or ``fail``.
            text: the line.
        """
        ...

    # The state that proposals are bound to

    def root_at(self, version: Seqno) -> bytes | None:
        """Return the Merkle root over the leaves up to and including ``version``.

        A proposal's id contains the root, which binds the proposal to the state that
        the request met. ``None`` if the tree no longer has this version.
        """
        ...

    # Recovery

    @property
    def is_reading_private_ledger(self) -> bool:
        """Whether shares were enough and the private state is being restored."""
        ...

    def submit_recovery_share(self, tx: Tx, member_id: str, share: bytes) -> int:
        """Store a member's share, sealed; return how many members submitted a share.

        Raises:
            CcfpyError: the share cannot be stored.
        """
        ...

    def initiate_private_recovery(self, tx: Tx) -> None:
        """Combine the submitted shares and send the old secrets to every node.

        Raises:
            CcfpyError: the shares do not open the ledger.
        """
        ...


PARAMETER = "api-version"


class ApiVersion(StrEnum):
    """Every version, oldest first."""

    PREVIEW_V1 = "2023-06-01-preview"
    V1 = "2024-07-01"

    @property
    def and_later(self) -> "tuple[ApiVersion, ...]":
        """This version and every later one."""
        versions = tuple(ApiVersion)
        return versions[versions.index(self) :]


def api_version(
    context: Context, since: ApiVersion = ApiVersion.PREVIEW_V1
) -> ApiVersion:
    """Return the version that a request names.

    Raises:
        ApiError: 400: the request names no version, or none from ``since`` on.
    """
    accepted = since.and_later
    suffix = f"The supported api-versions are: {', '.join(accepted)}"
    named = context.query.get(PARAMETER)
    if named is None:
        raise ApiError(
            400,
            ErrorCode.MissingApiVersionParameter,
            f"The api-version query parameter (?{PARAMETER}=) is required for all "
            f"requests. {suffix}",
        )
    for version in accepted:
        if version == named:
            return version
    raise ApiError(
        400,
        ErrorCode.UnsupportedApiVersionValue,
        f"Unsupported api-version '{named}'. {suffix}",
    )


Log: TypeAlias = Callable[[str, str], None]
"""Takes a level and a line."""


def versioned(handler: "Handler", *, since: ApiVersion, log: Log) -> "Handler":
    """Return a handler for every version from ``since`` on, which logs its errors."""
    logging = logged(handler, log=log)

    def answer(context: Context) -> "Answer":
        api_version(context, since)
        return logging(context)

    return answer


def logged(handler: "Handler", *, log: Log) -> "Handler":
    """Return a handler that also logs the errors that ``handler`` raises."""

    def answer(context: Context) -> "Answer":
        try:
            return handler(context)
        except ApiError as error:
            request = context.request
            log(
                "info",
                f"{request.method} {request.path} returning error {error.status}: "
                f"{error.message}",
            )
            raise

    return answer


NodeHandler: TypeAlias = "Callable[[GovernanceNode, Context], Answer]"
"""Answers what a member signed, and needs the node for it."""
AnyHandler = TypeVar("AnyHandler", bound="Callable[..., Answer]")

_PARAMETER = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GovOperation:
    """A row of the API.

    Attributes:
        handler: of a read; or, of a signed operation, also of the node.
        operation_id: the operation's name in generated clients.
        returns: the type of the response; ``None`` for 204.
        since: the first version with this operation.
        policy: how a member signs the request; ``None`` for reads, which are open to
            anybody.
        is_javascript: the response is source, not JSON.
        may_be_nothing: the response may be 204 instead.
    """

    path: str
    handler: "Callable[..., Answer]"
    operation_id: str
    returns: object
    since: ApiVersion = ApiVersion.PREVIEW_V1
    mode: Mode = Mode.READ_ONLY
    policy: "AuthPolicy | None" = None
    is_javascript: bool = False
    may_be_nothing: bool = False

    def handler_of(self, node: GovernanceNode) -> Handler:
        """Return the handler on a node."""
        return self.handler if self.policy is None else partial(self.handler, node)

    @property
    def method(self) -> str:
        """GET for a read, POST for a signed operation."""
        return "GET" if self.policy is None else "POST"

    @property
    def description(self) -> str:
        """The first sentence of the handler's documentation."""
        lines = (self.handler.__doc__ or "").strip().splitlines()
        return lines[0] if lines else ""

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(_PARAMETER.findall(self.path))


class Operations(list[GovOperation]):
    """The operations of a module, each declared above its handler."""

    def read(
        self,
        path: str,
        operation_id: str,
        returns: object,
        **more: Any,  # noqa: ANN401 - further fields of `GovOperation`
    ) -> Callable[[Handler], Handler]:
        """Declare the read that the function below answers."""
        return self._declare(
            path=path, operation_id=operation_id, returns=returns, **more
        )

    def signed(
        self,
        path: str,
        operation_id: str,
        returns: object,
        policy: "AuthPolicy",
        *,
        may_be_nothing: bool = False,
    ) -> Callable[[NodeHandler], NodeHandler]:
        """Declare what the function below does for a member who signed it."""
        return self._declare(
            path=path,
            operation_id=operation_id,
            returns=returns,
            mode=Mode.READ_WRITE,
            policy=policy,
            may_be_nothing=may_be_nothing,
        )

    def _declare(self, **fields: Any) -> Callable[[AnyHandler], AnyHandler]:  # noqa: ANN401 - fields of `GovOperation`
        def declare(handler: AnyHandler) -> AnyHandler:
            self.append(GovOperation(handler=handler, **fields))
            return handler

        return declare
