"""Where an exception came from, in words that hold no value.

A line of source, an exception's text and its arguments may be what a user sent. The
name of a file, the number of a line and the name of a function are the program's.
"""

from types import FrameType, TracebackType


def places_of(error: BaseException, *, places_max: int) -> str:
    """Return the calls that an exception went through, the innermost first.

    No file is read for it: the process may have given up doing so.
    """
    places = []
    step: TracebackType | None = error.__traceback__
    while step is not None:
        places.append(_place(step.tb_frame, step.tb_lineno))
        step = step.tb_next
    return " < ".join(reversed(places[-places_max:]))


def place_of(frame: FrameType) -> str:
    """Return where a call is now."""
    return _place(frame, frame.f_lineno)


def chain_of(error: BaseException, *, links_max: int) -> list[BaseException]:
    """Return an exception and those that led to it, as a traceback shows them.

    What only happened to be handled when one was raised, and ends more than a request,
    such as an interrupt, led to nothing and ends the chain.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < links_max:
        if any(link is known for known in chain):
            break
        chain.append(link)
        context = None if link.__suppress_context__ else link.__context__
        link = link.__cause__ or (context if isinstance(context, Exception) else None)
    return chain


def _place(frame: FrameType, line: int | None) -> str:
    code = frame.f_code
    file = code.co_filename.rpartition("ccfpy/")[2]
    return f"{file}:{line} {code.co_name}"
