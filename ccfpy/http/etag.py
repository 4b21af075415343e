"""``If-Match`` and ``If-None-Match``: which versions of a resource a caller means.

Strong tags of hex digits only, as CCF's samples make them; a weak tag is refused
(``include/ccf/http_etag.h``).
"""

import re
from dataclasses import dataclass
from typing import Self

from ccfpy.base.errors import Malformed

_TAG = re.compile(r'"([0-9a-f]+)",?[ \t\n\v\f\r]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """The condition that one such header states.

    Attributes:
        tags: what it lists, without quotes; ``None`` stands for ``*``, any version.
    """

    tags: frozenset[str] | None

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read a header's value.

        Raises:
            Malformed: it is neither ``*`` nor a list of quoted hex tags.
        """
        if header == "*":
            return cls(tags=None)
        tags = []
        position = 0
        while match := _TAG.match(header, position):
            tags.append(match[1])
            position = match.end()
        if position != len(header) or not tags:
            raise Malformed("Invalid If-Match header")
        return cls(tags=frozenset(tags))

    def matches(self, etag: str) -> bool:
        """Return whether the condition names this tag, which has no quotes."""
        return self.tags is None or etag in self.tags
