"""Scripts that call everything an application's JavaScript may call, with anything.

A script is a list of steps. A step picks a function among all that can be reached from
``ccf``, ``request`` and ``console``, however it is called there, and values among odd
ones and what earlier steps gave. What it throws counts as a value too. Left out are
values known to hold this release of the engine: a length in the billions that one of
its own loops would run through, and heaps that fill up.
"""

from hypothesis import strategies as st

HARNESS = """
const reach = (roots) => {
  const seen = new Set(), found = [];
  const visit = (value, depth) => {
    const kind = typeof value;
    if ((kind !== "object" && kind !== "function") || value === null) return;
    if (depth > 4 || seen.has(value)) return;
    seen.add(value);
    if (kind === "function") found.push(value);
    for (const name of Reflect.ownKeys(value)) {
      try { visit(value[name], depth + 1) } catch {}
    }
    visit(Object.getPrototypeOf(value), depth + 2);
  };
  for (const root of roots) visit(root, 0);
  return found;
};
export function f(request) {
  const table = ccf.kv["public:fuzz"], hidden = ccf.kv["fuzz"];
  for (const each of [table, hidden]) each.set(ccf.strToBuf("k"), ccf.strToBuf("v"));
  const api = reach([ccf, table, hidden, request, request.body, console]);
  const body = request.body.text();
  return new Function("request", "api", "table", "v", body)(request, api, table, []);
}
"""
"""Runs the text of a request's body as a function, and answers what that gives."""

ATOMS = (
    *("undefined", "null", "true", "NaN", "-0", "-1", "1", "2 ** 31", "1e308", "7n"),
    *("''", "'k'", r"'\ud800'", r"'\0'", "'public:ccf.gov.users.info'", "'__proto__'"),
    *("'x'.repeat(70000)", "'SHA-256'", "'secp256r1'", "'-----BEGIN X-----'", "'2.1'"),
    *("{}", "[]", "[[], {}]", "() => 1", "Symbol('s')", "Symbol.iterator", "/a/g"),
    *("new Date(NaN)", "new Map([[1, 2]])", "Promise.reject(1)", "new Error('e')"),
    *("new ArrayBuffer(0)", "ccf.strToBuf('v')", "new Uint8Array(9)"),
    "new ArrayBuffer(8, { maxByteLength: 64 })",
    "new DataView(new ArrayBuffer(8), 4)",
    "new SharedArrayBuffer(8)",
    "{ name: 'ECDSA', hash: 'SHA-256' }",
    "{ name: 'RSA-OAEP', label: 1 }",
    "{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }",
    "{ valueOf() { throw 1 }, toString() { throw 2 } }",
    "{ [Symbol.toPrimitive]: () => 1 }",
    "{ get name() { throw new Error('got') } }",
    "{ toJSON() { return { toJSON: 1 } } }",
    "{ length: 3, 0: 'a' }",
    "Object.create(null)",
    "Object.freeze({ a: 1 })",
    "(() => { const c = {}; c.c = c; return c })()",
    "new Proxy({}, { get() { throw 1 }, has: () => true, ownKeys: () => ['a', 'a'] })",
    "new Proxy(() => {}, { apply() { throw Symbol('x') } })",
    "class { constructor() { return 1 } }",
    *("request", "request.headers", "request.caller", "ccf", "ccf.kv", "table"),
)
NAMES = (
    "a",
    "body",
    "length",
    "__proto__",
    "constructor",
    "then",
    "toJSON",
    "byteLength",
)
FORMS = (
    "{f}({args})",
    "{f}.call({this}, {args})",
    "new {f}({args})",
    "Reflect.apply({f}, {this}, [{args}])",
    "{this}[{name}] = {value}",
    "Object.defineProperty({this}, {name}, {{ get() {{ throw {value} }} }})",
    "delete {this}[{name}]",
    "Object.setPrototypeOf({this}, {value})",
    "{this}[{name}]({args})",
    "[...{value}]",
    "JSON.stringify({value})",
    "({value}).resize?.(2)",
    "({value}).transfer?.()",
    "table.forEach((a, b) => {{ v.push(a, b); {f}({args}) }})",
)
ENDS = (
    "return {{ body: {value} }}",
    "return {{ body: {value}, statusCode: {this}, headers: {{ a: {value} }} }}",
    "return {{ headers: {value} }}",
    "return {value}",
    "return Promise.resolve({value})",
    "return (async () => {{ throw {value} }})()",
    "throw {value}",
)


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """Write the body of a function of ``request``, ``api``, ``table`` and ``v``."""
    steps = draw(st.lists(_filled(FORMS), max_size=8))
    attempts = [f"try {{ v.push({step}) }} catch (e) {{ v.push(e) }}" for step in steps]
    return ";\n".join([*attempts, draw(_filled(ENDS))])


@st.composite
def _filled(draw: st.DrawFn, forms: tuple[str, ...]) -> str:
    form = draw(st.sampled_from(forms))
    parts = {"this": VALUES, "value": VALUES, "name": NAMED, "f": FUNCTIONS}
    chosen = {
        name: draw(strategy)
        for name, strategy in parts.items()
        if f"{{{name}}}" in form
    }
    if "{args}" in form:
        chosen["args"] = ", ".join(draw(st.lists(VALUES, max_size=4)))
    return form.format(**chosen)


NAMED = st.sampled_from([repr(name) for name in NAMES]) | st.just("Symbol.iterator")
FUNCTIONS = st.integers(0, 400).map("api[{} % api.length]".format)
EARLIER = st.integers(0, 9).map("v[v.length - {}]".format)
VALUES = st.one_of(
    st.sampled_from([f"({atom})" for atom in ATOMS]),
    EARLIER,
    st.integers(-5, 5).map("({})".format),
    st.text(st.characters(codec="ascii"), max_size=5).map(
        lambda text: "String.fromCharCode({})".format(
            ", ".join(str(ord(each)) for each in text)
        )
    ),
)
