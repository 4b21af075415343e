"""Where memory runs out while a request is made, answered or read from: each place.

Much of that is C, where each step may fail; the engine's heap is bounded by a little
less each time, so that every step does.
"""

from typing import TYPE_CHECKING

import pytest

from ccfpy.js.engine import Interpreter, JsException, JsLimitExceeded, JsLimits, Library
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.request import Description, RequestExtension, encode_caller
from ccfpy.js.quickjs import QuickJs
from tests.unit.js.conftest import CountingClock
from tests.unit.js.extensions.test_kv import kv, tx_with

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.js.extension import Extension

ENOUGH = 16 << 20
NEAR_BYTES = 16
CALLS = 400
"""Too many for anything that each of them leaves behind to be overlooked."""
FUNCTION = "export function f(request) { BODY }"
WORK = """
  const { body } = request, t = ccf.kv["public:t"];
  const parsed = body.json(), text = body.text(), bytes = body.arrayBuffer();
  const key = ccf.strToBuf("key" + text.length);
  const value = ccf.jsonCompatibleToBuf(parsed);
  t.set(key, value).set(bytes, key).delete(bytes);
  t.has(key);
  t.getVersionOfPreviousWrite(key);
  for (const wrong of [() => t.get(1), () => ccf.kv[7].set(key)]) {
    try {
      wrong();
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown;
    }
  }
  const headers = { number: 1 };
  for (let i = 0; i < 9; i++) headers["name" + i] = ccf.bufToStr(key);
  return ENDING;
"""
RESULT = (
    "{ statusCode: 201, headers, body: [ccf.bufToJsonCompatible(t.get(key)), request] }"
)
ENDINGS = {
    "a result": RESULT,
    "a promise": f"Promise.resolve({RESULT})",
    "a proxy": f"new Proxy({RESULT}, {{}})",
}


class SomeRequest:
    """A request by somebody of whom there is much to tell."""

    body = b'{"a": [1, 2, {"b": "' + b"x" * 300 + b'"}]}'
    signed_content = b"signed"

    def described(self) -> Description:
        one: JsonObject = {"policy": "one", "id": "i" * 70, "data": {"k": [1, None]}}
        return Description(
            headers={f"name{i}": "v" * i for i in range(9)},
            query="a=é",
            path="/p",
            method="POST",
            hostname="host",
            route="/app/p",
            url="/p?a=é",
            params={"id": "7"},
            caller=encode_caller({"policy": ["one"], "one": one, "cose": True}),
        )


class Served:
    """An interpreter, and what it answers under a bound on its heap."""

    def __init__(self, *sources: str, is_reused: bool) -> None:
        self.endpoint = RequestExtension(SomeRequest())
        (self.kv,) = kv(tx_with())
        modules = {f"/{index}.js": source for index, source in enumerate(sources)}
        extensions: list[Extension] = [self.endpoint, ConvertersExtension(), self.kv]
        self.interpreter: Interpreter = QuickJs(CountingClock()).interpreter(
            Library(modules), extensions, is_reused=is_reused
        )

    def serve(self, heap_bytes_max: int, index: int = 0) -> None:
        """Call a module's ``f``."""
        self.endpoint.begin()
        self.kv.begin()
        limits = JsLimits(heap_bytes_max=heap_bytes_max)
        self.endpoint.ask(self.interpreter, f"/{index}.js", "f", limits)

    def least(self, index: int = 0) -> int:
        """Find how much heap is enough, to some bytes."""
        too_little, enough = 0, ENOUGH
        while enough - too_little > NEAR_BYTES:
            middle = (too_little + enough) // 2
            try:
                self.serve(middle, index)
            except JsException:
                too_little = middle
            else:
                enough = middle
        return enough


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDINGS)
def test_a_request_that_lacks_memory_anywhere_ends_alone(name: str) -> None:
    body = WORK.replace("ENDING", ENDINGS[name])
    served = Served(FUNCTION.replace("BODY", body), is_reused=False)
    least = served.least()
    for heap_bytes in range(least - 9000, least - NEAR_BYTES, 29):
        with pytest.raises(JsLimitExceeded, match="out of memory"):
            served.serve(heap_bytes)
        assert not served.endpoint.is_answered
    served.serve(least)
    assert served.endpoint.status == 201


EIGHT = "a: 1, b: 2, c: 'x', d: {}, e: [], f: 6, g: 7"
BODIES = {
    "nothing": "return { body: 1 }",
    "everything": WORK.replace("ENDING", RESULT),
    "throwing header": f"return {{ headers: {{ {EIGHT}, get h() {{ throw 1 }} }} }}",
    "throwing status": (
        f"return {{ headers: {{ {EIGHT} }}, get statusCode() {{ throw 1 }} }}"
    ),
    "throwing body": "return { get body() { throw new Error('x') } }",
    "throwing JSON": "return { body: { toJSON() { throw 1 } } }",
    "throwing names": "return { headers: new Proxy({}, { ownKeys() { throw 1 } }) }",
    "throwing prototype": "return new Proxy({}, { getPrototypeOf() { throw 1 } })",
    "rejected promise": "return Promise.reject(new Error('x'))",
    "wrong arguments": """
        const wrong = [
          () => request.body.text(1), () => request.body.json(1),
          () => ccf.strToBuf(), () => ccf.strToBuf(1), () => ccf.bufToStr(1),
          () => ccf.jsonCompatibleToBuf(undefined), () => ccf.jsonCompatibleToBuf(1n),
          () => ccf.bufToJsonCompatible(ccf.strToBuf("{")),
          () => ccf.kv.t.get.call(null, 1), () => ccf.kv.t.set(1, 2, 3),
          () => ccf.kv.t.set.call({ get _map_name() { throw 1 } }, 1),
          () => ccf.kv["public:ccf.gov.t"].delete(ccf.strToBuf("k")),
          () => { ccf.kv.t = 1; },
        ];
        for (const each of wrong) {
          try {
            each();
          } catch {
            continue;
          }
          return { statusCode: 500 };
        }
        return { statusCode: 201 };
    """,
}


@pytest.mark.parametrize("name", BODIES)
def test_a_kept_world_holds_nothing_of_calls_that_are_over(name: str) -> None:
    served = Served(
        FUNCTION.replace("BODY", BODIES[name]),
        "export const f = () => ({ body: 'x' });",
        is_reused=True,
    )

    def call() -> None:
        try:
            served.serve(ENOUGH)
        except JsException:
            return
        assert served.endpoint.status in (200, 201)

    for _ in range(20):
        call()
    before = served.least(1)
    for _ in range(CALLS):
        call()
    assert served.least(1) < before + 3 * CALLS
