"""Buffers show zeros and what was written to them, however they were made or resized.

Every byte that a script here writes is at most 100. Freed memory is full of
larger bytes, and so are the allocator's own words: a byte above that was written by
nobody who may be seen.
"""

import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.js.engine import (
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    Library,
    Program,
)
from ccfpy.js.extension import ExtensionFunction
from ccfpy.js.quickjs import QuickJs
from tests.attacks import attack
from tests.unit.js.conftest import CountingClock
from tests.unit.js.quickjs.test_interpreters import Serving

_ENGINE = QuickJs(CountingClock())

LOOK = """
const LARGEST_WRITTEN = 100, SECRET = 0xa5;
const litter = () => {
  let all = [];
  for (let size = 1; size < 70000; size = size * 2 + 3)
    for (let i = 0; i < 4; i++) all.push(new Uint8Array(size).fill(SECRET));
  for (let i = 0; i < 50; i++) all.push("\\u00a5".repeat(i * 7) + i);
  all = null;
};
const resized = (buffer, ...sizes) => {
  const view = new Uint8Array(buffer);
  for (const size of sizes) buffer.grow ? buffer.grow(size) : buffer.resize(size);
  return view.length === buffer.byteLength ? buffer : [LARGEST_WRITTEN + 1];
};
const bytesOf = (value) => {
  if (typeof value === "string")
    return Array.from(value, (each) => each.codePointAt(0) - 32);
  if (Array.isArray(value)) return value.map((each) => each ?? 0);
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  return new Uint8Array(buffer);
};
const strange = (value) => {
  for (const byte of bytesOf(value)) if (!(byte <= LARGEST_WRITTEN)) return true;
  return false;
};
const TYPES = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
  Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array,
];
"""

MAKERS = (
    "new ArrayBuffer(n)",
    "new ArrayBuffer(n, { maxByteLength: 2 * n })",
    "resized(new ArrayBuffer(0, { maxByteLength: n }), n)",
    "resized(new ArrayBuffer(n, { maxByteLength: 3 * n }), 0, 3 * n)",
    "new ArrayBuffer(n >> 1).transfer(n)",
    "new ArrayBuffer(n >> 1, { maxByteLength: n }).transferToFixedLength(n)",
    "new ArrayBuffer(n).slice(n >> 2)",
    "new SharedArrayBuffer(n)",
    "new SharedArrayBuffer(n, { maxByteLength: 2 * n })",
    "resized(new SharedArrayBuffer(0, { maxByteLength: n }), n)",
    "resized(new SharedArrayBuffer(n >> 1, { maxByteLength: 2 * n }), n, 2 * n)",
    "resized(new SharedArrayBuffer(0, { maxByteLength: n }), n).slice(n >> 1)",
    "new TYPES[n % TYPES.length](n)",
    "new Uint8Array(n).slice(1)",
    "new Uint8Array(n).toReversed()",
    "new Float64Array(n).with(0, 0)",
    "new Uint16Array(n).subarray(n >> 1)",
    "new Uint8Array({ length: n })",
    "Uint8Array.from({ length: n })",
    "new Uint8Array(new Array(n))",
    "Uint8Array.fromHex('00'.repeat(n))",
    "new Uint8Array(n).toBase64()",
    "new Uint8Array(n).toHex()",
    "new Uint8Array(n).join('')",
    "new DataView(new ArrayBuffer(n), n >> 1)",
    "new Array(n).fill(undefined)",
    "Array.from(new Array(n))",
    "'0'.repeat(n)",
    "String.fromCharCode(...new Uint8Array(n % 9999).fill(48))",
    "'0'.padStart(n)",
)
"""Every way to get memory of a size, ``n``."""


def _call(engine: QuickJs, source: str, *arguments: object) -> object:
    text = engine.call_export(
        Program(name="m", source=LOOK + source),
        "f",
        arguments,  # type: ignore[arg-type]  # plain values
        extensions=[],
        limits=JsLimits(execution_ms_max=1 << 30),
    )
    return None if text is None else json.loads(text)


@pytest.mark.parametrize("maker", MAKERS)
def test_new_memory_shows_nothing_of_what_was_freed(maker: str) -> None:
    engine = QuickJs(CountingClock())
    source = f"""
        export function f() {{
            litter();
            for (const n of [1, 2, 7, 16, 100, 1000, 9001, 65536]) {{
                if (strange({maker})) return n;
            }}
            return "nothing";
        }}
    """
    assert [_call(engine, source) for _ in range(2)] == ["nothing", "nothing"]


def test_a_shared_buffer_grows_into_memory_of_its_own() -> None:
    """Its neighbours, and the allocator's words between them, stay as they are."""
    source = """
        export function f(size) {
            const before = [], after = [];
            for (let i = 0; i < 200; i++) before.push(new Uint8Array(64).fill(7));
            const shared = new SharedArrayBuffer(1, { maxByteLength: size });
            for (let i = 0; i < 200; i++) after.push(new Uint8Array(64).fill(7));
            const tracking = new Uint8Array(shared);
            shared.grow(size);
            tracking.fill(9);
            Atomics.add(new Int32Array(shared), size / 4 - 1, 1);
            const isSeven = (n) => n === 7;
            const sevens = [...before, ...after].every((each) => each.every(isSeven));
            let all = [];
            for (let i = 0; i < 2000; i++) all.push({ i, text: "x" + i });
            all = null;
            const last = new Uint8Array(shared)[size - 4];
            return [sevens, tracking.length, tracking[0], last];
        }
    """
    engine = QuickJs(CountingClock())
    for size in (8, 64, 4096, 1 << 16, 1 << 20):
        assert _call(engine, source, size) == [True, size, 9, 10]


def test_a_shared_buffer_takes_its_largest_size_from_the_heap_at_once() -> None:
    def made(size: int) -> object:
        source = """
            export function f(size) {
                const all = [];
                for (let i = 0; i < 4; i++)
                    all.push(new SharedArrayBuffer(0, { maxByteLength: size }));
                return all.length;
            }
        """
        return _call(QuickJs(CountingClock()), source, size)

    assert made(JsLimits().heap_bytes_max // 5) == 4
    with pytest.raises(JsLimitExceeded) as caught:
        made(JsLimits().heap_bytes_max // 4)
    assert caught.value.which is JsLimit.HEAP


@pytest.mark.parametrize("size", [-1, "2 ** 31", "2 ** 32 + 8", "2 ** 53"])
def test_a_shared_buffer_of_no_possible_size_is_refused(size: object) -> None:
    source = f"""
        export const f = () => new SharedArrayBuffer(0, {{ maxByteLength: {size} }});
    """
    with pytest.raises(JsException, match="RangeError"):
        _call(QuickJs(CountingClock()), source)


def test_a_shared_buffer_never_shrinks_and_stays_below_its_largest_size() -> None:
    source = """
        export function f() {
            const shared = new SharedArrayBuffer(8, { maxByteLength: 16 });
            const failed = [];
            for (const size of [7, 17, -1, 2 ** 32 + 9]) {
                try { shared.grow(size); } catch (error) { failed.push(error.name); }
            }
            shared.grow(16);
            return [failed, shared.byteLength];
        }
    """
    assert _call(QuickJs(CountingClock()), source) == [["RangeError"] * 4, 16]


class Taking:
    """An extension that takes bytes."""

    source = "(python) => { globalThis.take = python.take; }"

    def __init__(self) -> None:
        self.taken: list[object] = []

    def functions(self) -> dict[str, ExtensionFunction]:
        return {"take": cast("ExtensionFunction", self.taken.append)}


def test_a_view_that_grows_with_its_buffer_crosses_as_long_as_it_is() -> None:
    taking = Taking()
    source = """
        export function f() {
            const buffer = new ArrayBuffer(4, { maxByteLength: 12 });
            const views = [new Uint8Array(buffer), new Uint16Array(buffer, 2)];
            for (const size of [12, 2, 7]) {
                buffer.resize(size);
                views[0].fill(size);
                views.forEach((view) => take(view));
            }
        }
    """
    QuickJs(CountingClock()).call_export(
        Program(name="m", source=source),
        "f",
        [],
        extensions=[taking],
        limits=JsLimits(),
    )
    assert taking.taken == [
        b"\x0c" * 12,
        b"\x0c" * 10,
        b"\2\2",
        b"",
        b"\7" * 7,
        b"\7" * 4,
    ]


SECRETS = (
    "for (let i = 0; i < 200; i++) all.push(new Uint8Array(n).fill(0xa5))",
    "all.push(new Uint8Array(new SharedArrayBuffer(n)).fill(0xa5))",
    "for (let i = 1; i < 90; i++) all.push('\\u00a5'.repeat(n) + i)",
    "all.push(new BigUint64Array(n).fill(0xa5a5a5a5a5a5a5a5n), 0xa5a5a5n ** 99n)",
    "for (let i = 0; i < 99; i++) all.push(new Map([[i, { secret: 0xa5a5a5a5 + i }]]))",
    "new Uint8Array(resized(new ArrayBuffer(1, { maxByteLength: n }), n)).fill(0xa5)",
    "all.push(JSON.stringify(new Array(n).fill('\\u00a5')))",
)


@attack("applications: a script that looks for other calls' bytes in its buffers")
@pytest.mark.slow
@pytest.mark.parametrize("is_reused", [False, True])
@given(
    st.sampled_from(SECRETS),
    st.lists(st.tuples(st.sampled_from(MAKERS), st.integers(1, 9000)), min_size=1),
    st.integers(1, 9000),
)
def test_a_call_sees_no_byte_of_the_call_before(
    is_reused: bool, secret: str, makers: list[tuple[str, int]], size: int
) -> None:
    """Neither of its heap nor of the engine's buffers, whatever memory it asks for."""
    steps = "".join(
        f"{{ const n = {n}; if (strange({maker})) return {number}; }}"
        for number, (maker, n) in enumerate(makers)
    )
    source = f"""
        {LOOK}
        export function hide() {{
            const n = {size}, all = [];
            {secret};
            return "hidden";
        }}
        export function look() {{ {steps} return "nothing"; }}
    """
    serving = Serving()
    interpreter = _ENGINE.interpreter(
        Library({"/m.js": source}), [serving], is_reused=is_reused
    )
    for function in ("hide", "look", "hide", "look"):
        interpreter.serve("/m.js", function, JsLimits(execution_ms_max=1 << 30))
    assert serving.taken == ["hidden", "nothing"] * 2


FUZZ = """
export function f(seed, steps) {
  let state = seed >>> 0 || 1;
  const below = (n) => {
    state ^= state << 13; state >>>= 0; state ^= state >>> 17;
    state ^= state << 5; state >>>= 0;
    return state % n;
  };
  const pick = (all) => all[below(all.length)];
  // A number of small bytes has large ones as a float, and where it is clamped.
  const WHOLE = TYPES.filter((type) => !/Float|Clamped/.test(type.name));
  const buffers = [new ArrayBuffer(16)], views = [new Uint8Array(8)], log = [];
  const size = () => pick([0, 1, 3, 8, 16, 40, 64, 100, 256, 300, 1000, 5000]);
  const most = () => ({ maxByteLength: 64 + size() });
  const change = () => {
    const buffer = pick(buffers);
    if (below(3) === 0 && buffer.transfer) buffers.push(buffer.transfer(size()));
    else if (buffer.grow) buffer.grow(size());
    else buffer.resize(size());
  };
  const quietly = (step) => { try { return step(); } catch {} };
  const see = (view, value) => log.push(view.constructor.of(value));
  const disorder = () => (quietly(change), below(3) - 1);
  // Whole, or something that changes a buffer while it is asked for its value.
  const number = (most) => {
    const value = below(most + 2) - 1;
    if (below(3)) return value;
    return { valueOf() { quietly(change); quietly(change); return value; } };
  };
  const species = (view) => {
    const made = class extends view.constructor {
      static get [Symbol.species]() {
        return function (...given) {
          quietly(change);
          const other = pick(views);
          return below(2) ? other : new view.constructor(...given);
        };
      }
    };
    Object.defineProperty(view, "constructor", { value: made, configurable: true });
    return view;
  };
  const small = (view) => {
    const byte = below(LARGEST_WRITTEN);
    const many = (bytes) => {
      let n = 0n;
      for (let i = 0; i < bytes; i++) n = (n << 8n) | BigInt(byte);
      return n;
    };
    if (view instanceof BigInt64Array || view instanceof BigUint64Array) return many(8);
    return Number(many(view.BYTES_PER_ELEMENT));
  };
  const steps_ = [
    () => buffers.push(new ArrayBuffer(size())),
    () => buffers.push(new ArrayBuffer(below(64), most())),
    () => buffers.push(new SharedArrayBuffer(size())),
    () => buffers.push(new SharedArrayBuffer(below(64), most())),
    () => buffers.push(pick(buffers).slice(number(64), number(300))),
    () => buffers.push(pick(buffers).transferToFixedLength(size())),
    change,
    change,
    () => views.push(new (pick(WHOLE))(pick(buffers))),
    () => views.push(new (pick(WHOLE))(pick(buffers), 8 * below(4))),
    () => views.push(new (pick(WHOLE))(pick(buffers), 8 * below(4), number(16))),
    () => views.push(new (pick(WHOLE))(pick(views))),
    () => views.push(pick(views).slice(number(16), number(64))),
    () => views.push(species(pick(views)).slice(number(16), number(64))),
    () => views.push(species(pick(views)).subarray(number(16), number(64))),
    () => views.push(species(pick(views)).map((each) => (quietly(change), each))),
    () => views.push(species(pick(views)).filter((each) => (quietly(change), 1))),
    () => { const v = pick(views); v.fill(small(v), number(16), number(300)); },
    () => { const v = pick(views); v.set(pick(views), number(16)); },
    () => pick(views).copyWithin(number(64), number(64), number(300)),
    () => pick(views).sort(below(2) ? disorder : undefined),
    () => pick(views).reverse(),
    () => views.push(pick(views).toReversed()),
    () => views.push(pick(views).toSorted(disorder)),
    () => { const v = pick(views); views.push(v.with(number(16), small(v))); },
    () => { const v = pick(views); see(v, v.at(number(64)) ?? 0); },
    () => log.push(pick(views).indexOf(0xa5, number(64))),
    () => log.push(pick(views).lastIndexOf(0xa5, number(64))),
    () => log.push(pick(views).join({ toString() { quietly(change); return ","; } })),
    () => { const v = pick(views); Atomics.exchange(v, number(16), small(v)); },
    () => { const v = pick(views); see(v, Atomics.add(v, number(16), 0)); },
    () => { const v = pick(views); see(v, Atomics.load(v, number(64))); },
    () => Atomics.notify(pick(views), number(16), 1),
    () => {
      const length = below(2) ? number(64) : undefined;
      const view = new DataView(pick(buffers), number(16), length);
      view.setUint8(number(64), below(LARGEST_WRITTEN));
      const seen = [];
      for (let i = 0; i < 4; i++) seen.push(view.getBigUint64(number(64)));
      log.push(new Uint8Array(new BigUint64Array(seen).buffer));
    },
    () => views.push(Uint8Array.from(pick(views), (each) => (quietly(change), 1))),
    () => { const v = pick(views); v[below(64)] = small(v); },
    () => pick(views).setFromHex?.("07".repeat(below(300))),
    () => litter(),
    () => { buffers.splice(0, buffers.length - 9); views.splice(0, views.length - 9); },
  ];
  const found = (text) => `${text} at step ${log.step}`;
  litter();
  for (log.step = 0; log.step < steps; log.step++) {
    const step = pick(steps_);
    quietly(step);
    for (const buffer of buffers)
      if (!buffer.detached && strange(buffer)) return found(`a buffer after ${step}`);
    for (const view of views) {
      let bytes;
      try {
        bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      } catch { continue; }
      if (strange(bytes)) return found(`a view after ${step}`);
      if (view.length * view.BYTES_PER_ELEMENT !== view.byteLength)
        return found(`a view of two lengths after ${step}`);
    }
    const copied = new Uint8Array(64);
    if (strange(copied)) return found(`a new array after ${step}`);
    for (const value of log)
      if (ArrayBuffer.isView(value) && strange(value))
        return found(`a value of ${step}`);
    log.length = 0;
  }
  return "nothing";
}
"""


@attack("applications: a script that looks for other calls' bytes in its buffers")
@pytest.mark.slow
@given(st.integers(1, (1 << 32) - 1))
def test_no_buffer_shows_what_nobody_wrote_to_it(seed: int) -> None:
    assert _call(_ENGINE, FUZZ, seed, 150) == "nothing"
