"""Contexts laid out from images: a script cannot tell that its context is a copy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.js.engine import JsException, JsLimits, Program
from ccfpy.js.extension import ExtensionFunction
from ccfpy.js.quickjs import QuickJs, context_pool
from ccfpy.js.quickjs.context_pool import ContextPool
from tests.unit.js.conftest import CountingClock


@dataclass
class Asking:
    """An extension by which a script asks a function that counts."""

    source: str = "(python) => { globalThis.ask = python.ask; }"
    count: int = 0
    table: Mapping[str, ExtensionFunction] = field(default_factory=dict)

    def functions(self) -> Mapping[str, ExtensionFunction]:
        return {"ask": self._ask}

    def _ask(self) -> int:
        self.count += 1
        return self.count


def call(engine: QuickJs, source: str, asking: Asking | None = None) -> object:
    text = engine.call_export(
        Program(name="m", source=source),
        "f",
        [],
        extensions=[asking or Asking()],
        limits=JsLimits(),
    )
    return None if text is None else json.loads(text)


def test_what_a_call_changes_is_gone_with_it() -> None:
    engine = QuickJs(CountingClock())
    source = """
        const kept = [];
        export function f() {
            kept.push(1);
            Array.prototype.stain = (Array.prototype.stain ?? 0) + 1;
            globalThis.n = (globalThis.n ?? 0) + 1;
            return [kept.length, [].stain, n];
        }
    """
    assert [call(engine, source) for _ in range(3)] == [[1, 1, 1]] * 3


def test_a_module_that_asks_nothing_while_it_loads_is_run_once() -> None:
    engine = QuickJs(CountingClock())
    asking = Asking()
    source = "export const f = () => ask()"
    assert [call(engine, source, asking) for _ in range(3)] == [1, 2, 3]


def test_one_that_asks_is_run_for_every_call() -> None:
    engine = QuickJs(CountingClock())
    asking = Asking()
    source = "const at = ask(); export const f = () => [at, ask()]"
    assert [call(engine, source, asking) for _ in range(3)] == [[1, 2], [3, 4], [5, 6]]


def test_so_is_one_that_a_module_imports() -> None:
    engine = QuickJs(CountingClock())
    asking = Asking()
    program = Program(
        name="m",
        source="import { at } from '/late.js'; export const f = () => at",
        imports={"/late.js": "export const at = ask()"},
    )
    seen = [
        engine.call_export(program, "f", [], extensions=[asking], limits=JsLimits())
        for _ in range(3)
    ]
    assert seen == ["1", "2", "3"]


def test_a_body_that_throws_throws_every_time() -> None:
    engine = QuickJs(CountingClock())
    for _ in range(3):
        with pytest.raises(JsException, match="no"):
            call(engine, "throw new Error('no'); export const f = () => 1")


def test_a_call_within_a_call_of_the_same_module_has_its_own_world() -> None:
    engine = QuickJs(CountingClock())
    source = "let n = 0; export const f = () => { n++; ask(); return n }"

    @dataclass
    class Nested(Asking):
        def _ask(self) -> int:
            if self.count == 0:
                self.count = 1
                assert call(engine, source, self) == 1
            return 0

    assert call(engine, source, Nested()) == 1


def test_a_machine_whose_memory_grew_does_not_stay_so_large() -> None:
    engine = QuickJs(CountingClock())
    source = "export const f = () => new Uint8Array(40 << 20).length"
    for _ in range(3):
        assert call(engine, source) == 40 << 20
    pool = engine._pool._pool.values()
    spare = [context._spare for context in pool if context._spare is not None]
    assert all(instance.memory_bytes < 20 << 20 for instance in spare)


@pytest.mark.parametrize("over", [False, True])
def test_a_world_that_is_too_large_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    held = 4 << 20
    monkeypatch.setattr(context_pool, "JS_IMAGE_BYTES_MAX", held if over else 2 * held)
    engine = QuickJs(CountingClock())
    source = (
        f"const all = new Uint8Array({held}).fill(1); export const f = () => all[0]++"
    )
    assert [call(engine, source) for _ in range(2)] == [1, 1]
    kept = [context.image.size for context in engine._pool._pool.values()]
    assert (max(kept) > held) is not over


def test_worlds_are_kept_up_to_a_number_of_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(context_pool, "JS_IMAGES_BYTES_MAX", 2 << 20)
    engine = QuickJs(CountingClock())
    for number in range(20):
        assert call(engine, f"export const f = () => {number}") == number
    assert 0 < engine._pool._bytes <= 2 << 20
    assert len(engine._pool) < 20
    assert limits.JS_IMAGES_BYTES_MAX > limits.JS_IMAGE_BYTES_MAX
    assert len(ContextPool()) == 0


def test_what_lacked_memory_is_not_kept_although_the_script_went_on() -> None:
    """QuickJS is not safe where memory runs out: its state may be anything."""
    engine = QuickJs(CountingClock())
    fill = "try { new Uint8Array(1 << 29); } catch {}"
    for source in (
        f"{fill} export const f = () => 1",
        f"export const f = () => {{ {fill} return 1 }}",
    ):
        assert [call(engine, source) for _ in range(2)] == [1, 1]
    kept = list(engine._pool._pool.values())
    assert [context.has_run for context in kept] == [False, False, True]
    assert all(context._spare is None for context in kept[1:])


STATEMENTS = (
    "globalThis.a = (globalThis.a ?? 0) + 1",
    "log.push(typeof a)",
    "Object.prototype.p = log.length",
    "log.push('x'.repeat(n * 1000).length)",
    "log.push(new Uint8Array(n * 4096).fill(n).at(-1) ?? 0)",
    "const m = new Map(log.map((v, i) => [i, v])); log.push(m.size)",
    "try { null.x } catch (e) { log.push(e.message) }",
    "log.push(JSON.stringify({ n, log }).length)",
    "delete globalThis.a",
    "Math.max = () => n",
    "log.push(Math.max(1, 2))",
    "log.push([3, 1, 2].sort().join())",
    "for (const k in {}) log.push(k)",
)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from(STATEMENTS), st.integers(0, 60)), max_size=6),
    st.lists(st.tuples(st.sampled_from(STATEMENTS), st.integers(0, 60)), max_size=6),
)
def test_a_world_laid_out_again_is_as_one_just_made(
    first: list[tuple[str, int]], second: list[tuple[str, int]]
) -> None:
    """The plain way is an engine of its own, which has laid out nothing before."""

    def source(steps: list[tuple[str, int]]) -> str:
        return "".join(f"{{ const n = {n}; {step}; }}" for step, n in steps)

    program = (
        f"export function f(which) {{ const log = []; if (which) {{ {source(first)} }}"
        f" else {{ {source(second)} }} return log }}"
    )

    def run(engine: QuickJs, which: bool) -> str | None:
        return engine.call_export(
            Program(name="m", source=program),
            "f",
            [which],
            extensions=[],
            limits=JsLimits(),
        )

    used = QuickJs(CountingClock())
    run(used, which=True)
    assert run(used, which=False) == run(QuickJs(CountingClock()), which=False)
    assert run(used, which=True) == run(QuickJs(CountingClock()), which=True)
