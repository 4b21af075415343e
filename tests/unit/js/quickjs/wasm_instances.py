"""A machine with a small script in it, to be asked things."""

from dataclasses import dataclass, field

from ccfpy.js.quickjs.values import UNDEFINED, decode, encode
from ccfpy.js.quickjs.wasm_instance import WasmInstance

FACE = """
    (function (host, evaluate) {
      let count = 0;
      const all = [];
      return {
        count: () => ++count,
        echo: (value) => value,
        length: (value) => value.length,
        ask: (...args) => host(...args),
        grow(bytes) { all.push(new Uint8Array(bytes)); return all.length; },
        shed() { all.length = 0; },
        take(count, bytes) {
          const taken = [];
          while (taken.length < count) taken.push(new ArrayBuffer(bytes));
        },
        fill() { for (;;) all.push({}); },
        fail() { throw new TypeError("no"); },
        later: async (value) => { await 1; return value; },
        never: () => new Promise(() => {}),
        dive_natively() {
          const text = { toString: () => "" + text };
          return "" + text;
        },
        dive(depth) { return depth === 0 ? 0 : 1 + this.dive(depth - 1); },
      };
    })
"""


@dataclass
class Echoing:
    """Callbacks that return each question as it came, and end no script."""

    asked: list[bytes] = field(default_factory=list)
    answer: bytes | None = None

    def call_function(self, row: bytes) -> bytes:
        self.asked.append(row)
        return row if self.answer is None else self.answer

    def module_source(self, _row: bytes) -> bytes:
        return UNDEFINED

    def is_over(self) -> bool:
        return False


def started(callbacks: Echoing | None = None) -> WasmInstance:
    instance = WasmInstance(callbacks or Echoing())
    ending, _ = instance.run("start", encode(FACE) + encode("face"))
    assert ending == 0
    return instance


def invoke(
    instance: WasmInstance, method: str, *arguments: object
) -> tuple[int, object]:
    """Call a method; give how it ended, and the one value it left."""
    row = encode(method) + b"".join(map(encode, arguments))  # type: ignore[arg-type]
    ending, left = instance.run("invoke", row, len(arguments))
    return ending, decode(left)[0] if left else None
