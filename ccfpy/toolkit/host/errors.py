"""Why a call of an enclave has no answer, told apart by type."""

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.lifecycle import ResourceLimit
from ccfpy.toolkit.interfaces.messages import Denial


class CallDenied(CcfpyError):
    """The call was not begun; the enclave goes on."""

    def __init__(self, function: str, denial: Denial) -> None:
        super().__init__(f"{function} is not begun: {denial}")
        self.denial = denial


class EnclaveNotStarted(CcfpyError):
    """There is no enclave; the text says what to change."""


class EnclaveDestroyed(CcfpyError):
    """There is no enclave any more, as its host wanted. Create another."""


class EnclaveAborted(CcfpyError):
    """There is no enclave any more: something in it, or said to it, was wrong.

    What was under way is not answered, and no answer is half of one.

    Attributes:
        limit: which the enclave reached, if that was it.
    """

    def __init__(self, reason: str, limit: ResourceLimit | None = None) -> None:
        limited = "" if limit is None else f"it reached its limit {limit}: "
        super().__init__(f"the enclave aborted: {limited}{reason}")
        self.limit = limit
