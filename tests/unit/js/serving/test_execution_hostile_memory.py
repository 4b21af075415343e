"""Scripts that fill their heap bit by bit: each is answered, and the next is served.

They run in a process of their own, so that a crash of the engine is a failure here. An
engine in the memory of the node itself did crash: on arrays of some kilobytes, and more
often on values that the host makes.
"""

import json
import subprocess
import sys

import pytest

from tests.house.tree import ROOT

FILLS = {
    "arrays of some kilobytes": "for (;;) all.push(new Array(1000).fill(0))",
    "values of the host": "for (;;) all.push(ccf.strToBuf('x'.repeat(1000)))",
    "texts of the host": (
        "const b = ccf.strToBuf('x'.repeat(1000)); for (;;) all.push(ccf.bufToStr(b))"
    ),
    "values of a table": (
        "const b = ccf.strToBuf('x'.repeat(999)), t = ccf.kv['t']; t.set(b, b);"
        "for (;;) t.forEach((value, key) => all.push(value, key))"
    ),
    "small objects": "for (;;) all.push({})",
    "objects of objects": "for (let i = 0; ; i++) all.push({ a: i, b: { c: i } })",
    "texts": "for (let i = 0; ; i++) all.push('x'.repeat(100) + i)",
    "one long text": "let s = ''; for (;;) s += 'abcdefgh'.repeat(50)",
    "buffers": "for (;;) all.push(new ArrayBuffer(4096))",
    "typed arrays": "for (;;) all.push(new Uint8Array(100))",
    "functions": "for (let i = 0; ; i++) all.push(() => i)",
    "errors": "for (;;) all.push(new Error('x'))",
    "big integers": "for (let i = 0n; ; i++) all.push(1n << (i % 5000n))",
    "patterns": "for (let i = 0; ; i++) all.push(new RegExp('a' + i))",
    "promises": "for (;;) all.push(new Promise(() => {}))",
    "spread arrays": "let a = [1]; for (;;) a = [...a, ...a]",
    "a map": "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })",
    "a set": "const s = new Set(); for (let i = 0; ; i++) s.add('s' + i)",
    "properties": "const o = {}; for (let i = 0; ; i++) o['p' + i] = i",
    "parsed JSON": "for (;;) all.push(JSON.parse('[1,[2,{\"a\":3}]]'))",
    "generators": (
        "function* g() { yield 1 }"
        "for (;;) { const made = g(); made.next(); all.push(made) }"
    ),
    "symbols": "for (let i = 0; ; i++) all.push(Symbol('s' + i))",
    "a chain of prototypes": "let o = {}; for (;;) o = Object.create(o)",
}


@pytest.mark.slow
def test_a_heap_that_fills_up_ends_the_script_alone() -> None:
    bodies = {name: f"const all = []; {fill}" for name, fill in FILLS.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.js.serving.alone"],
        input=json.dumps(bodies),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    served = ended.stdout.splitlines()
    assert served == [f"{name}: 500 InternalError, then served" for name in FILLS]
    assert (ended.returncode, ended.stderr) == (0, "")
