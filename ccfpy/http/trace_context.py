"""W3C Trace Context: the headers by which a request says which trace it belongs to.

A ``traceparent`` names the trace, the caller's own span in it, and whether the trace is
recorded (https://www.w3.org/TR/trace-context/). A header that breaks the rules is as
good as none: the request is served all the same.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from ccfpy.base.limits import TRACESTATE_CHARS_MAX

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
SPAN_ID_BYTES: Final = 8

_FORM: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?",
    re.DOTALL,
)
_OURS: Final = "00"
_FORBIDDEN: Final = "ff"
_SAMPLED: Final = 0x01
_KNOWN_FLAGS: Final = 0x03
"""Sampled, and that the trace's id is random; others are not handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """A span that others may be children of.

    Attributes:
        trace: 16 bytes.
        span: 8 bytes.
        flags: what is known of the trace.
    """

    trace: bytes
    span: bytes
    flags: int

    @classmethod
    def parse(cls, header: str) -> Self | None:
        """Read a ``traceparent``; return nothing if it breaks the rules.

        A later version may be longer. What it adds is not read.
        """
        found = _FORM.fullmatch(header)
        if found is None or found["version"] == _FORBIDDEN:
            return None
        if found["rest"] is not None and found["version"] == _OURS:
            return None
        trace, span = bytes.fromhex(found["trace"]), bytes.fromhex(found["span"])
        if not any(trace) or not any(span):
            return None
        return cls(trace=trace, span=span, flags=int(found["flags"], 16))

    @property
    def is_sampled(self) -> bool:
        """Whether the caller records the trace."""
        return bool(self.flags & _SAMPLED)

    def handed_on(self, headers: dict[str, str], span: bytes) -> dict[str, str]:
        """Return the headers of a request that another node gets of this one.

        Args:
            headers: of the request as it came.
            span: becomes the parent of what the other node does.
        """
        flags = f"{self.flags & _KNOWN_FLAGS:02x}"
        changed = dict(headers)
        changed[TRACEPARENT] = f"{_OURS}-{self.trace.hex()}-{span.hex()}-{flags}"
        state = changed.get(TRACESTATE)
        if state is not None and len(state) > TRACESTATE_CHARS_MAX:
            # Whole members, of which the newest are on the left.
            changed[TRACESTATE], _, _ = state[: TRACESTATE_CHARS_MAX + 1].rpartition(
                ","
            )
        return changed
