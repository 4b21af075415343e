"""Calls of what an application's author wrote, within the limits of the service.

An application's code is trusted with the service's data, and not trusted to end. A
loop, an answer of a gigabyte or ``sys.exit()`` costs the caller of one endpoint its
answer, and not the node its life. Every call of such code goes through here: handlers,
policies, indexes, and whatever else was handed in to be called back. While a call runs
that takes long, its node goes on without it on another thread.

Whom a call is made for: an identity that a policy vouches for, or an address.

A certificate that nobody vouches for names nobody, and neither does that of a node that
has only asked to join: a stranger can make any number of them.
"""

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

from ccfpy.base import limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.compiling import mypyc_attr
from ccfpy.base.errors import Unwritable
from ccfpy.base.ports import CallGivenUp
from ccfpy.endpoints.auth.all_of import CallerOfAll
from ccfpy.endpoints.auth.cert import MemberCertCaller, UserCertCaller
from ccfpy.endpoints.auth.cose import MemberCoseSign1Caller, UserCoseSign1Caller
from ccfpy.endpoints.auth.jwt import JwtCaller
from ccfpy.endpoints.auth.policy import AppCaller
from ccfpy.endpoints.call_shares import CallShares
from ccfpy.endpoints.pending import Awaited
from ccfpy.http.errors import ApiError, ErrorCode, unavailable
from ccfpy.http.messages import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ports import Given, Result
    from ccfpy.endpoints.auth.policy import Identity
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.declaration import Endpoint
    from ccfpy.endpoints.pending import Answer
    from ccfpy.endpoints.tracing import Trace


THE_NODE: Final = "the node"
"""The caller of what a node does by itself."""
_OTHERS_BITS: Final = 64
"""The part of an address of version 6 that a customer of a network chooses."""


def caller_of(context: "Context | None") -> str:
    """Name the caller of a request.

    Args:
        context: of the request, if one is answered.
    """
    if context is None:
        return THE_NODE
    return caller_named(context.caller, context.session.origin)


def caller_named(identity: "Identity | None", origin: str) -> str:
    """Name a caller by the identity if anything vouches for it, else by the place.

    Args:
        identity: of the caller, as a policy has found it; ``None`` without a policy.
        origin: the address, or the node, that the request came from.
    """
    known = None if identity is None else _known(identity)
    return f"somebody at {place_of(origin)}" if known is None else known


def _known(identity: "Identity") -> str | None:
    """Name somebody; nobody if nothing vouches for the name."""
    match identity:
        case UserCertCaller() | UserCoseSign1Caller():
            return f"user {identity.user_id}"
        case MemberCertCaller() | MemberCoseSign1Caller():
            return f"member {identity.member_id}"
        case JwtCaller():
            subject = identity.payload.get("sub")
            return f"subject {subject!r} of {identity.key_issuer}"
        case AppCaller():
            return f"{identity.policy} {identity.id}"
        case CallerOfAll():
            names = map(_known, identity.identities.values())
            return next((name for name in names if name is not None), None)
        case _:
            return None


def place_of(origin: str) -> str:
    """Name where a connection comes from; one network of version 6 is one place."""
    try:
        address = IPv6Address(origin.partition("%")[0])
    except AddressValueError:
        return origin
    mapped = address.ipv4_mapped
    return str(mapped or IPv6Address(int(address) >> _OTHERS_BITS << _OTHERS_BITS))


UNLIMITED: Final = 0
"""The time limit of an endpoint whose handler is ccfpy's own, or has another limit."""


@dataclass(slots=True, kw_only=True)
class AppLimits:
    """What one call may take, and what the log says of one that fails.

    Attributes:
        execution_ms_max: how long it may take.
        memory_bytes_max: by how much the process may grow meanwhile.
        response_bytes_max: how large the body of its answer may be.
        log_exception_details: whether exceptions' texts, which may be private, are
            logged.
    """

    execution_ms_max: int = limits.APP_EXECUTION_MS_MAX
    memory_bytes_max: int = limits.APP_MEMORY_BYTES_MAX
    response_bytes_max: int = limits.APP_RESPONSE_BYTES_MAX
    log_exception_details: bool = False


class Escaped(Exception):
    """Something was raised that ends a program, such as ``SystemExit``."""


def check_answer(answer: object) -> "Answer":
    """Return what a function answered with, if it is an answer that can be written.

    How large it is, the frontend checks.

    Raises:
        Unwritable: it is no answer, or one that has parts of a wrong type.
    """
    if not isinstance(answer, Response):
        if isinstance(answer, Awaited):
            return answer
        raise Unwritable(f"an answer of type {type(answer).__name__}")
    if type(answer.body) is not bytes or type(answer.headers) is not dict:
        raise Unwritable("a body is bytes, and headers are a dictionary")
    if type(answer.status) is not int:
        raise Unwritable("a status is a number")
    try:  # by C: a look at each costs as much as the rest of this function
        "".join(answer.headers)
        "".join(answer.headers.values())
    except TypeError:
        raise Unwritable("a header's name and value are text") from None
    if answer.trailers is not None:
        check_trailers(answer.trailers)
    return answer


def check_trailers(trailers: object) -> None:
    """Check that trailers can be written.

    Raises:
        Unwritable: they are no dictionary of text.
    """
    if type(trailers) is not dict:
        raise Unwritable("trailers are a dictionary")
    try:
        "".join(chain(trailers, trailers.values()))
    except TypeError:
        raise Unwritable("a trailer's name and value are text") from None


def check_size(response: Response, body_bytes_max: int) -> None:
    """Check that a response is not too large to be sent.

    Raises:
        Unwritable: its body is longer than ``body_bytes_max``.
    """
    size = len(response.body)
    if size > body_bytes_max:
        raise Unwritable(f"{size} bytes, where {body_bytes_max} are allowed")


class Answerer(Protocol):
    """What answers by one of its endpoints: a frontend."""

    def failed(
        self, endpoint: "Endpoint", error: Exception, trace: str | None = None
    ) -> ApiError:
        """Log a defect of an endpoint's, and return what its caller is told."""
        ...


@mypyc_attr(allow_interpreted_subclasses=True)
class NodeCall:
    """One thing that a node does and that may call an application's code.

    A node makes its calls one after the other, when it has done everything else that an
    event asks of it. While a call is slow, the node makes its other calls and takes
    further events without it: the call is *away*. The call's thread ends the call, and
    nothing else.

    Subclasses say what is done. A call of this class itself does nothing.

    Attributes:
        frontend: what answers, by an endpoint of its own.
        endpoint: that one.
        context: of its handler, which knows the caller.
        trace: of the request, if it is traced.
        is_away: the node went on without the call.
        awaited: where the answer is awaited, if the call is away and has an answer.
    """

    __slots__ = ("awaited", "context", "endpoint", "frontend", "is_away", "trace")

    def __init__(self) -> None:
        self.frontend: Answerer | None = None
        self.endpoint: Endpoint | None = None
        self.context: Context | None = None
        self.trace: Trace | None = None
        self.is_away = False
        self.awaited: Awaited | None = None

    def run(self) -> None:
        """Make the call, and see to its answer."""

    def wait_for(self, awaited: Awaited) -> bool:
        """Await the answer there; return false if nobody waits for any.

        What the node does of its own has no answer.
        """
        del awaited
        return False


@mypyc_attr(allow_interpreted_subclasses=True)
class AnsweredCall(NodeCall):
    """A call whose answer somebody asked for; subclasses say who, and what for."""

    __slots__ = ()

    def answer(self) -> "Answer":
        """Return the answer, or where it will be."""
        raise NotImplementedError

    def deliver(self, response: Response) -> None:
        """Pass the response to who asked."""
        raise NotImplementedError

    def wait_for(self, awaited: Awaited) -> bool:
        """Pass the response to who asked when it comes."""
        awaited.then(self.deliver)
        return True

    def run(self) -> None:
        """Find the answer, and see to it that it goes where it is awaited by now."""
        answer, awaited = self.answer(), self.awaited
        if awaited is None:
            if isinstance(answer, Response):
                self.deliver(answer)
            else:
                self.wait_for(answer)
        elif isinstance(answer, Response):
            awaited.settle(answer)
        else:
            answer.then(awaited.settle)


class AppCalls:
    """Calls an application's code.

    Attributes:
        limits: those in force; governance changes them.
        threads: what the calls run on.
        current: the call that the node makes now.
        shares: who has slow calls.
    """

    def __init__(self, threads: AppThreads | None = None) -> None:
        """Begin with the limits that hold where nobody says otherwise.

        Args:
            threads: what the calls run on; a node that has one thread limits no call.
        """
        self.limits = AppLimits()
        self.shares = CallShares()
        self.threads: AppThreads = AppThreads() if threads is None else threads
        self.current = NodeCall()

    def check_room(self) -> None:
        """Check that a handler may be called, for whose answer a client waits.

        Raises:
            ApiError: 503, too many calls of the application's are slow, or of this
                caller's; the caller may try again.
        """
        if not self.shares.is_quiet:
            self._check_share(in_python=True)
        elif self.threads.is_python_full:
            raise too_many_slow()

    def check_room_for_script(self) -> None:
        """Check that a script may be called, as ``check_room`` does for a handler.

        Raises:
            ApiError: 503, as there.
        """
        if not self.shares.is_quiet:
            self._check_share(in_python=False)
        elif self.threads.is_full:
            raise too_many_slow()

    def _check_share(self, *, in_python: bool) -> None:
        """Check that a call may begin while others are slow, or were lately.

        Raises:
            ApiError: 503, too many are slow, or too many of this caller's.
        """
        threads = self.threads
        if threads.is_away:
            return  # it has a place: it runs again, or calls a script
        if threads.is_python_full if in_python else threads.is_full:
            raise too_many_slow()
        caller = caller_of(self.current.context)
        if not self.shares.may_begin(caller, threads, in_python=in_python):
            raise too_many_slow(" of yours")

    def call(
        self,
        function: "Callable[[Given], Result]",
        given: "Given",
        execution_ms_max: int | None = None,
        taken_up_ns: int = 0,
    ) -> "Result":
        """Return what a function returns.

        Args:
            function: the application's.
            given: its argument.
            execution_ms_max: how long it may take, if not as long as any call.
            taken_up_ns: from when that counts, if not from now.

        Raises:
            CallStopped: it was over a limit; what it changed must be dropped.
            CallGivenUp: it came back too late.
            Escaped: it raised what no program should catch.
        """
        bounds = self.limits
        if execution_ms_max is None:
            execution_ms_max = bounds.execution_ms_max
        try:
            if execution_ms_max == UNLIMITED:
                return function(given)
            return self.threads.call(
                function,
                given,
                execution_ms_max,
                bounds.memory_bytes_max,
                taken_up_ns,
            )
        except (Exception, KeyboardInterrupt, CallGivenUp):
            raise
        except BaseException as error:
            raise Escaped(type(error).__name__) from error


def too_many_slow(whose: str = "") -> ApiError:
    """Return the refusal of a call while too many others are slow.

    Args:
        whose: whose calls those are, if not everybody's.
    """
    return unavailable(
        ErrorCode.TooManyPendingTransactions,
        f"Too many slow calls{whose} of the application's code are under way. "
        "Retry later.",
        after_s=limits.RETRY_AFTER_S,
    )
