"""``If-Match`` and ``If-None-Match``: which versions of a resource a caller means.

Every entity tag of RFC 9110 (section 8.8.3) is taken, strong or weak. CCF takes strong
tags of hex digits only, and needs no comma between them (``include/ccf/http_etag.h``).
"""

import re
from dataclasses import dataclass
from typing import Self

from ccfpy.base.errors import Malformed

_BETWEEN = r"[ \t\n\v\f\r,]*"
_TAG = re.compile(rf'(W/)?"([!\x23-\x7e\x80-\U0010ffff]*)"{_BETWEEN}')
_BEGIN = re.compile(_BETWEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """The condition that one such header states.

    Attributes:
        tags: what it lists, without quotes; ``None`` stands for ``*``, any version.
        weak: those of them that stand for like versions, and not for the same bytes.
    """

    tags: frozenset[str] | None
    weak: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read a header's value.

        Raises:
            Malformed: it is neither ``*`` nor a list of quoted tags.
        """
        if header.strip(" \t") == "*":
            return cls(tags=None)
        strong: set[str] = set()
        weak: set[str] = set()
        begin = _BEGIN.match(header)
        assert begin is not None, "it may be empty"
        position = begin.end()
        while match := _TAG.match(header, position):
            (weak if match[1] else strong).add(match[2])
            position = match.end()
        if position != len(header) or not (strong or weak):
            raise Malformed("Invalid If-Match header")
        return cls(tags=frozenset(strong | weak), weak=frozenset(weak - strong))

    def matches(self, etag: str, *, strongly: bool = False) -> bool:
        """Return whether the condition names this tag, which has no quotes.

        Args:
            etag: of the resource.
            strongly: as ``If-Match`` compares: a weak tag names nothing.
        """
        if self.tags is None:
            return True
        return etag in self.tags and not (strongly and etag in self.weak)
