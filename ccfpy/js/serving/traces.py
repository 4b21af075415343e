"""A script's stack, written as CCF's engine writes it.

Callers and tests read traces by line. CCF's engine names a module by its absolute path
and writes no column.
"""

import re

_PLACE = re.compile(r"\((?!<)/?([^():]+):(\d+)(?::\d+)?\)")
_IN_TEXT = re.compile(r"^( *at <\w+>:\d+):\d+$", re.MULTILINE)
"""The position in a text, such as JSON, at which the engine stopped."""


def as_ccf_writes_it(trace: str) -> str:
    """Return the trace with ``(/lib/a.js:7)`` for each ``(lib/a.js:7:12)``."""
    return _IN_TEXT.sub(r"\1", _PLACE.sub(r"(/\1:\2)", trace))
