"""A guest's stack, written as CCF's engine writes it.

Callers and tests read traces by line. CCF's engine names a module by its absolute path
and tells no column.
"""

import re

_PLACE = re.compile(r"\((?!<)/?([^():]+):(\d+)(?::\d+)?\)")


def as_ccf_writes_it(trace: str) -> str:
    """Give ``(/lib/a.js:7)`` for each ``(lib/a.js:7:12)``."""
    return _PLACE.sub(r"(/\1:\2)", trace)
