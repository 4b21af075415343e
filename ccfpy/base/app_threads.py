"""The threads on which a node calls an application's code.

A class and no protocol, since compiled code finds a class's methods by their positions:
each request that an application answers is such a call.
"""

from collections.abc import Callable

from ccfpy.base import limits
from ccfpy.base.compiling import mypyc_attr
from ccfpy.base.ports import Given, Result


@mypyc_attr(allow_interpreted_subclasses=True)
class AppThreads:
    """Runs code of an application's, and lets the node go on beside what is slow.

    One thread at a time steps a node. While it runs an application's code, another
    thread may take the node over (`Node.leave`); the code is then *away*. Each method
    here gives the node back to its thread before it returns, and before it calls what
    uses the node.

    The class itself is the threads of a node that has one, and waits for every call,
    however long the call takes.
    """

    @property
    def is_full(self) -> bool:
        """Whether as many calls are away as may be."""
        return False

    @property
    def is_python_full(self) -> bool:
        """Whether no call of Python can be allowed: too many hang, or are away."""
        return False

    @property
    def is_away(self) -> bool:
        """Whether the node went on without the call of the calling thread."""
        return False

    @property
    def free(self) -> int:
        """How many more calls may be away."""
        return limits.SLOW_CALLS_MAX

    @property
    def free_to_hang(self) -> int:
        """How many more calls of Python may hang."""
        return limits.HUNG_CALLS_MAX

    def came_back(self) -> None:
        """Note that the call of the calling thread, which was away, is over.

        The thread has the node again, and goes on like any other thread.
        """

    def note_caller(self, call: object, caller: str) -> None:
        """Note whose call it is that is away, as callers take turns.

        Args:
            call: what the call is known by.
            caller: whose it is.
        """

    @property
    def waited_ns(self) -> int:
        """How long scripts of the calling thread have waited for others, in all."""
        return 0

    def wait_for_turn(self) -> int:
        """Wait, within ``beside``, if others are to go on first.

        Returns:
            ``waited_ns`` after the wait.
        """
        return 0

    def allow(self, slow_calls_max: int) -> None:
        """Allow so many calls to be away at once."""

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> Result:
        """Return what a function of an application's returns, within limits.

        A call within another is under the limits of the outer one. The function may
        have been ended at any line of the application's, so that whatever it changed
        must be dropped; no line of ccfpy's is cut off.

        Args:
            function: what to call.
            given: its argument.
            execution_ms_max: how long the call may take.
            memory_bytes_max: by how much the process may grow meanwhile.
            taken_up_ns: what the node's clock said when the call's request was taken
                up, if only ccfpy's own code ran since: the time counts from then, and
                nobody looks at the clock twice. 0 if it counts from now.

        Raises:
            CallStopped: it was ended, or had taken too long when it ended.
            CallGivenUp: its caller has been answered meanwhile.
        """
        del execution_ms_max, memory_bytes_max, taken_up_ns
        return function(given)

    def beside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Return what a function returns that ends by itself, such as a script's run.

        It uses the node by ``inside`` alone.
        """
        return function(given)

    def inside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Call from within ``call`` or ``beside`` what uses the node.

        The node waits meanwhile. Outside of both this is a plain call.

        Raises:
            CallGivenUp: the caller of this thread's call has been answered meanwhile.
        """
        return function(given)
