"""``Date`` stopped at one moment: time passes between calls, never during one.

The moment is the host's clock as the node last heard it, untrusted like all of the
host's words. A call that is replayed with the same moment takes the same course.
"""

from collections.abc import Mapping
from typing import Final

from ccfpy.js.host import HostFunction

_SOURCE = """
(function (host, { toText }) {
  const now = host.now();
  const Real = Date;
  const { construct } = Reflect;
  function Frozen(...args) {
    if (new.target === undefined) return toText(new Real(now));
    return construct(Real, args.length === 0 ? [now] : args, new.target);
  }
  const define = Object.defineProperty;
  const hidden = { __proto__: null, writable: true, configurable: true };
  define(Frozen, "name", { value: "Date", configurable: true });
  define(Frozen, "length", { value: 7, configurable: true });
  define(Frozen, "prototype", { value: Real.prototype, writable: false });
  define(Frozen, "now", { ...hidden, value: () => now });
  define(Frozen, "parse", { ...hidden, value: Real.parse });
  define(Frozen, "UTC", { ...hidden, value: Real.UTC });
  define(Real.prototype, "constructor", { ...hidden, value: Frozen });
  define(globalThis, "Date", { ...hidden, value: Frozen });
})
"""


class FrozenDate:
    """The extension.

    Args:
        unix_time_ms: the moment, in milliseconds since 1970.
    """

    source: Final = _SOURCE

    def __init__(self, unix_time_ms: int) -> None:
        self._unix_time_ms = unix_time_ms

    def functions(self) -> Mapping[str, HostFunction]:
        """Give the host functions."""
        return {"now": self._now}

    def _now(self) -> int:
        return self._unix_time_ms
