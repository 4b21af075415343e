"""What can go wrong between a client and a service, told apart by type."""

from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.base.json import Json


class ClientError(CcfpyError):
    """A request that did not lead where it should."""


class Unreachable(ClientError):
    """No answer came: no connection, a server that is not trusted, or no time left."""


class OutcomeUnknown(Unreachable):
    """A write was sent and no answer came: it is applied, or it is not.

    Without an answer there is no transaction whose status could tell. A caller that can
    read what the write changes can look; a write that may be applied twice can be sent
    again (``idempotent``).
    """

    def __init__(self, method: str, path: str, reason: str) -> None:
        super().__init__(f"{method} {path} may have been applied, or not: {reason}")


class ServiceError(ClientError):
    """The service answered with an error.

    Attributes:
        status: the HTTP status.
        code: CCF's name for the error, such as ``ProposalNotFound``.
        message: its words.
        details: what it added, such as why each authentication policy refused.
    """

    def __init__(
        self, status: int, code: str, message: str, *, details: "Json" = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}" if message else f"{status}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details


class NotActive(ServiceError):
    """A member's request was refused, as the member has acknowledged nothing yet."""

    def __init__(self, member_id: str, refusal: ServiceError) -> None:
        super().__init__(
            refusal.status, refusal.code, refusal.message, details=refusal.details
        )
        self._member_id = member_id

    def __str__(self) -> str:
        """Return what the member has to do, as text."""
        return (
            f"member {self._member_id[:8]} has not acknowledged the state of the "
            "service yet: run ccfpy gov ack as that member, then this again"
        )


class UnexpectedReply(ClientError):
    """The service answered with something that its interface does not allow."""


class NotCommitted(ClientError):
    """A transaction is not committed.

    Attributes:
        txid: which.
        is_final: whether it never will be; otherwise time ran out.
    """

    def __init__(self, txid: "TxId", reason: str, *, is_final: bool) -> None:
        super().__init__(f"transaction {txid} {reason}")
        self.txid = txid
        self.is_final = is_final
