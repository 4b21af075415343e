"""What a node asks of the application it serves.

Work that an application does by itself: when a node begins to serve, and by time.

A job is the application's code like a handler, but nobody waits for its answer. It runs
within a transaction and within the limits of a call. Its failure is logged.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from ccfpy.base import limits
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.diagnostics import check_is_plain, misdeclared
from ccfpy.endpoints.index_strategies import Index
from ccfpy.endpoints.registry import Registry

if TYPE_CHECKING:
    from ccfpy.endpoints.context import NodeView
    from ccfpy.kv.tx import Tx


_BY_POSITION: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


class JobContext:
    """One run of a job.

    Attributes:
        node: the node on which the job runs, as handlers see it.
        tx: the run's transaction, read-only unless the primary runs the job.
    """

    __slots__ = ("node", "tx")

    def __init__(self, node: "NodeView", tx: "Tx") -> None:
        self.node = node
        self.tx = tx


JobFunction: TypeAlias = Callable[[JobContext], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A function that nodes call by themselves.

    Attributes:
        name: the function's, for the log.
        function: the application's.
        interval_ms: from the end of one run to the next; ``None`` for a function that
            each node calls once, when it begins to serve the application.
        on_each_node: every node runs the job, and the job only reads; otherwise the
            primary runs it.
        execution_ms_max: how long a run may take, if not as long as any call.
    """

    name: str
    function: JobFunction
    interval_ms: int | None
    on_each_node: bool
    execution_ms_max: int | None = None


def job_of(
    function: JobFunction,
    *,
    interval_ms: int | None,
    on_each_node: bool,
    execution_ms_max: int | None = None,
    others: int = 0,
) -> Job:
    """Return the job that a declaration describes.

    Args:
        function: the application's.
        interval_ms: as a `Job` has it.
        on_each_node: as a `Job` has it.
        execution_ms_max: as a `Job` has it.
        others: how many jobs the application has besides.

    Raises:
        Misdeclared: something in the declaration is wrong.
    """
    check_is_plain(function)
    if not _takes_one(function):
        raise misdeclared(
            function,
            'is a job, which takes its context alone: write "ctx: JobContext"',
        )
    if others >= limits.JOBS_MAX:
        raise misdeclared(
            function, f"is one job too many: an app has at most {limits.JOBS_MAX}"
        )
    least, most = limits.JOB_INTERVAL_MS_MIN, limits.JOB_INTERVAL_MS_MAX
    if interval_ms is not None and not least <= interval_ms <= most:
        raise misdeclared(
            function,
            f"is declared for every {interval_ms} ms: write from {least} to {most}",
        )
    if execution_ms_max is not None and execution_ms_max < 1:
        raise misdeclared(
            function,
            f"is declared with a time limit of {execution_ms_max} ms: write at least 1",
        )
    return Job(
        name=function.__name__,
        function=function,
        interval_ms=interval_ms,
        on_each_node=on_each_node,
        execution_ms_max=execution_ms_max,
    )


def _takes_one(function: JobFunction) -> bool:
    """Return whether a function takes its context and nothing else."""
    parameters = list(inspect.signature(function).parameters.values())
    return len(parameters) == 1 and parameters[0].kind in _BY_POSITION


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
