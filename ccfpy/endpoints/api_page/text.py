"""HTML made of text that a stranger may have written.

All text goes through ``escape``: markup has no meaning, and characters that are
invisible or that change the direction of reading are shown by their numbers.
"""

import re

from ccfpy.base.unseen import UNSEEN

_UNSEEN = re.compile(f"[{UNSEEN}]")
_CODE_OF_FOUR_DIGITS_MAX = 0xFFFF
# Python's ``html`` would bring a table of all named characters into every enclave.
_MARKUP = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
)


def escape(text: str) -> str:
    """Escape text for an element or a quoted attribute."""
    shown = _UNSEEN.sub(_numbered, text)
    return shown.encode("utf-8", "replace").decode().translate(_MARKUP)


def _numbered(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= _CODE_OF_FOUR_DIGITS_MAX else f"\\U{code:08x}"


def attribute(name: str, value: str) -> str:
    """Return an attribute with a blank before it."""
    return f' {name}="{escape(value)}"'


def element(tag: str, inner: str, *, kind: str = "", more: str = "") -> str:
    """Wrap HTML in an element; ``more`` is attributes made by ``attribute``."""
    of_kind = attribute("class", kind) if kind else ""
    return f"<{tag}{of_kind}{more}>{inner}</{tag}>"
