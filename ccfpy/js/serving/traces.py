"""A guest's stack, written as CCF's engine writes it.

Callers and tests read traces by line. CCF's engine names a module by its absolute path
and tells no column.
"""

import re

_PLACE = re.compile(r"\((?!<)/?([^():]+):(\d+)(?::\d+)?\)")
_IN_TEXT = re.compile(r"^( *at <\w+>:\d+):\d+$", re.MULTILINE)
"""Where in a text, such as JSON, the engine stopped reading."""


def as_ccf_writes_it(trace: str) -> str:
    """Give ``(/lib/a.js:7)`` for each ``(lib/a.js:7:12)``."""
    return _IN_TEXT.sub(r"\1", _PLACE.sub(r"(/\1:\2)", trace))
