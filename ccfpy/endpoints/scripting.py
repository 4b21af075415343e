"""JavaScript that an application in Python runs: the port between it and its node.

Such scripts decide something, and change nothing: members' policies, for example. A
script sees its arguments, ``console``, ``ccf.crypto`` and the converters, but no table.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ccfpy.base.errors import CcfpyError

if TYPE_CHECKING:
    from ccfpy.base.json import Json


class ScriptFailed(CcfpyError):
    """A script gave no result; the text says why.

    Attributes:
        reason: why, in a line.
        trace: the script's stack, if it threw an Error.
        has_begun: whether the function was called; otherwise the module is at fault.
    """

    def __init__(self, reason: str, *, trace: str | None, has_begun: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trace = trace
        self.has_begun = has_begun


class Scripting(Protocol):
    """What runs JavaScript on a node."""

    def call(
        self,
        modules: Mapping[str, str],
        function: str,
        arguments: "Sequence[Json | bytes]",
        *,
        execution_ms_max: int | None = None,
    ) -> "Json":
        """Call an exported function of the first module, and return its result.

        Args:
            modules: the source of each, by a path such as ``/policy.js``, under which
                one imports another.
            function: its name.
            arguments: ``bytes`` arrive as an ArrayBuffer, everything else as JSON.
            execution_ms_max: how long the call may take; by default as long as the
                service lets any script.

        Returns:
            The result as JSON; ``None`` too if it has no form in JSON.

        Raises:
            ApiError: 503, too many slow scripts run already.
            ScriptFailed: a module does not compile or lacks the function, the script
                threw, or it was stopped at a limit.
        """
        ...
