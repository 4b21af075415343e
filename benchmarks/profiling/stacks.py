"""Finds the owner of each stack that a sampler took.

A line is ``outermost;…;innermost N``, as in flame graphs: a place in the code and the
number of samples there. Each frame is ``name (file:line)``, or ``name (library)`` if a
library provides no more. A sample belongs to the innermost frame that has an owner: the
interpreter and the C library work for their caller.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

_FRAME = re.compile(r"(?P<name>.*) \((?P<place>[^()]*?)(?::\d+)?\)")

KERNEL = "the kernel"
COLLECTOR = "Python's garbage collector"

_WAITS = re.compile(
    r"(epoll_p?wait|clock_nanosleep|nanosleep|select|poll|recv"
    r"|pthread_cond_(timed)?wait|sem_(timed|clock)?wait|PyThread_acquire_lock_timed)"
    r"(\.localalias|64|@.*)?"
)
"""Functions in which a thread mostly waits, so that it does not count as working."""

_CALLS = re.compile(
    r"(__)?(send|sendto|sendmsg|recvfrom|recvmsg|read|readv|pread|preadv|write"
    r"|writev|pwrite|pwritev|accept4?|close|open|openat|fsync|fdatasync|rename|unlink"
    r"|ftruncate|fstat|stat|lseek|mmap|munmap|mprotect|madvise|epoll_ctl|setsockopt)"
    r"(64)?(\.localalias)?"
)
"""Functions of the C library that do nothing but call the kernel."""

_LIBRARIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), owner)
    for pattern, owner in (
        (r"_rust\.abi3\.so$|^lib(crypto|ssl)\.so", "OpenSSL"),
        (r"^_(hashopenssl|ssl)\.c|^_ssl(/|$)", "OpenSSL"),
        (r"^_cffi_backend|(^|/)OpenSSL/", "pyOpenSSL and cffi"),
        (r"^_cmsgpack|^(un)?pack(_template|er)?\.h$|(^|/)msgpack/", "msgpack"),
        (r"^(parser|llhttp|api|http)\.c$|(^|/)httptools/", "httptools"),
        (r"orjson", "orjson"),
        (r"_cbor2|(^|/)cbor2/", "cbor2"),
        (r"wasmtime", "JavaScript's engine"),
        (r"sortedcontainers/", "sortedcontainers"),
        (r"(^|/)uvloop/|^(loop|core|linux|stream|timer|loop-watcher)\.c$", "uvloop"),
        (r"^(uv-common|tcp|udp|pipe|async|signal|threadpool)\.c$|^queue\.h$", "uvloop"),
        (r"(^|/)asyncio/", "asyncio"),
    )
)
_COMPILED = re.compile(r"CPy(?:Def|Py|Gen)_(?P<path>\w+)")
"""mypyc's names for the functions that it compiled from ours."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames, the outermost first, and the number of samples with these frames."""

    frames: tuple[str, ...]
    samples: int


def parse(text: str) -> list[Stack]:
    """Read stacks, one to a line.

    Raises:
        ValueError: a line does not end in a number.
    """
    stacks = []
    for line in text.splitlines():
        frames, _, samples = line.rpartition(" ")
        stacks.append(Stack(tuple(frames.split(";")), int(samples)))
    return stacks


def owner(frames: Iterable[str], modules: frozenset[str] = frozenset()) -> str | None:
    """Return the owner of a sample, or None if its thread waited.

    OpenSSL's work belongs to the package of ours that called it.

    Args:
        modules: the dotted names of our modules, which identify compiled functions.
    """
    library = None
    for frame in reversed(tuple(frames)):
        name, place = _split(frame)
        if library is None:
            if _WAITS.fullmatch(name):
                return None
            if _CALLS.fullmatch(name) and place.startswith(("libc.so", "libpthread")):
                return KERNEL
            if name.startswith("gc_collect"):
                return COLLECTOR
            library = _library(place)
            if library not in (None, "OpenSSL"):
                return library
        ours = _ours(name, place, modules)
        if ours:
            return f"{library} for {ours}" if library else ours
    return library or "the interpreter"


def _split(frame: str) -> tuple[str, str]:
    match = _FRAME.fullmatch(frame)
    return (match["name"], match["place"]) if match else (frame, "")


def _library(place: str) -> str | None:
    for pattern, name in _LIBRARIES:
        if pattern.search(place):
            return name
    return None


def _ours(name: str, place: str, modules: frozenset[str]) -> str | None:
    """Return the package of a function of ours, compiled or not."""
    if compiled := _COMPILED.match(name):
        return _package_of_compiled(compiled["path"], modules)
    _, found, rest = f"/{place}".rpartition("/ccfpy/")
    if found:
        return f"ccfpy.{rest.split('/')[0].removesuffix('.py')}"
    if f"/{place}".rpartition("/apps/")[1]:
        return "the application"
    return None


@cache
def _package_of_compiled(path: str, modules: frozenset[str]) -> str | None:
    """Return the package of ``store___Store___compact``.

    The name begins with as much of its module's name as distinguishes it from all
    others.
    """
    parts = path.split("___")
    for count in range(len(parts), 0, -1):
        end = "." + ".".join(parts[:count])
        found = [module for module in modules if f".{module}".endswith(end)]
        if len(found) == 1:
            return ".".join(found[0].split(".")[:2])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One row: an owner, and its microseconds for each request."""

    owner: str
    us: float


def count_owners(
    stacks: Iterable[Stack], modules: frozenset[str] = frozenset()
) -> Counter[str]:
    """Count the samples of each owner, without those of waiting threads."""
    counts: Counter[str] = Counter()
    for stack in stacks:
        whose = owner(stack.frames, modules)
        if whose is not None:
            counts[whose] += stack.samples
    return counts


def shares(
    counts: Mapping[str, int], *, user_us: float, kernel_us: float
) -> list[Share]:
    """Divide the cost of a request among its owners, the greatest share first.

    The system reports exactly how long a process ran by itself and how long the kernel
    worked for it. Samples divide only the process's own time. So the rows add up to the
    whole, however few samples exist.

    Args:
        counts: samples by owner, as ``count_owners`` returns them.
        user_us: the process's own time for each request, in microseconds.
        kernel_us: the kernel's time for each request.
    """
    own = {whose: count for whose, count in counts.items() if whose != KERNEL}
    total = sum(own.values())
    amounts = {whose: user_us * count / total for whose, count in own.items()}
    if not own:
        amounts["not sampled"] = user_us
    amounts[KERNEL] = kernel_us
    return [
        Share(owner=whose, us=us)
        for whose, us in sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    ]


def table(
    processes: Iterable[tuple[str, list[Share]]], *, least_us: float = 0.1
) -> str:
    """Make a table that can be pasted, with a row for each share and for the whole.

    Rows below ``least_us`` are added up to one row.
    """
    listed = list(processes)
    whole_us = sum(share.us for _, rows in listed for share in rows)
    lines = [
        "| process | whose work | µs a request | of the whole |",
        "|---|---|--:|--:|",
    ]
    for process, rows in listed:
        small_us = sum(share.us for share in rows if share.us < least_us)
        shown = [(share.owner, share.us) for share in rows if share.us >= least_us]
        if small_us:
            shown.append(("all else", small_us))
        lines += [_row(process, whose, us, whole_us) for whose, us in shown]
        lines.append(_row(process, "**all**", sum(row.us for row in rows), whole_us))
    lines.append(_row("**both**", "**all**", whole_us, whole_us))
    return "\n".join(lines) + "\n"


def _row(process: str, whose: str, us: float, whole_us: float) -> str:
    part = us / whole_us if whole_us else 0.0
    return f"| {process} | {whose} | {us:.1f} | {part:.1%} |"


def dearest(
    stacks: Iterable[Stack], count: int, modules: frozenset[str] = frozenset()
) -> list[tuple[str, float]]:
    """Return our functions with the most samples, and their share of all samples.

    The work of a library counts as its caller's work, except the kernel's.
    """
    counts: Counter[str] = Counter()
    for stack in stacks:
        if owner(stack.frames, modules) not in (None, KERNEL):
            counts[_function(stack.frames, modules)] += stack.samples
    total = counts.total()
    return [(name, number / total) for name, number in counts.most_common(count)]


def _function(frames: Iterable[str], modules: frozenset[str]) -> str:
    for frame in reversed(tuple(frames)):
        name, place = _split(frame)
        if _ours(name, place, modules):
            return f"{name} ({place})"
    return "nobody's"
