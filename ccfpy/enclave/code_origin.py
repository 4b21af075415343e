"""Whose code a line is: the application's, ccfpy's, or Python's library's.

And whose a thread is: ccfpy's, or the application's.

A call of an application's code may be ended in the application's own lines alone: what
the call asked of the node is always finished first.
"""

import sysconfig
from enum import Enum, auto
from functools import cache
from pathlib import Path
from threading import Thread
from types import CodeType, FrameType
from typing import Final

import ccfpy


class CodeOrigin(Enum):
    """Whose line of code it is."""

    APP = auto()
    OURS = auto()
    """Of ccfpy, or of a library that ccfpy uses on a node's own state."""
    STANDARD = auto()
    """Of Python's library, on behalf of its caller."""


class OwnThread(Thread):
    """A thread that ccfpy starts in an enclave, which cannot do without it.

    All other threads but the main one are the application's, whatever their names.
    """


def place_in_app(
    frame: FrameType, outermost: frozenset[CodeType], *, is_patient: bool
) -> FrameType | None:
    """Return the application's own line that is being run, if one is.

    Python's library runs on behalf of its caller, which may be compiled code of ours
    that has no frame. Who is patient waits for a line of the application itself.

    Args:
        frame: the innermost of a call.
        outermost: the code that made the call, or its caller's.
        is_patient: whether the library's lines are to go on.
    """
    step: FrameType | None = frame
    while step is not None and step.f_code not in outermost:
        match origin_of(step.f_code.co_filename):
            case CodeOrigin.APP:
                return step
            case CodeOrigin.OURS:
                return None
            case CodeOrigin.STANDARD:
                if is_patient:
                    return None
                step = step.f_back
    # The application handed in a function of the library's.
    return None if is_patient or step in {None, frame} else frame


@cache
def origin_of(file: str) -> CodeOrigin:
    """Return whose code a file holds.

    Whatever is neither ours nor Python's is the application's, libraries of its own
    included; so are the samples that travel with ccfpy.
    """
    if file.startswith("<"):
        # Written by the library, such as a dataclass's methods; or the import itself.
        return CodeOrigin.OURS if "importlib" in file else CodeOrigin.STANDARD
    if file.startswith(_OURS) and not file.startswith(_SAMPLES):
        return CodeOrigin.OURS
    for packages in _PACKAGES:
        if file.startswith(packages):
            name = file[len(packages) :].partition("/")[0].removesuffix(".py")
            return CodeOrigin.OURS if name in _USED_BY_US else CodeOrigin.APP
    return CodeOrigin.STANDARD if file.startswith(_STANDARD) else CodeOrigin.APP


def _folder(path: str | Path) -> str:
    return f"{path}/"


_HOME: Final = Path(ccfpy.__file__).resolve().parent
_OURS: Final = _folder(_HOME)
_SAMPLES: Final = _folder(_HOME / "share" / "apps")
_PACKAGES: Final = tuple(
    {_folder(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
)
_STANDARD: Final = tuple(
    {_folder(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
)
_USED_BY_US: Final = frozenset(
    {
        "OpenSSL",
        "cbor2",
        "cryptography",
        "h2",
        "hpack",
        "httptools",
        "hyperframe",
        "msgpack",
        "orjson",
        "sortedcontainers",
        "wasmtime",
    }
)
