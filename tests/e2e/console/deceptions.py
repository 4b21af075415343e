"""Proposals that once showed members something else than what they were to approve.

Each is what a proposer signs, with what the page and ``gov show`` must have of it.
"""

import json
from dataclasses import dataclass

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.share import constitution
from tests.e2e.console.pages import thing_app

RULES = "\n".join(path.read_text() for path in constitution("default"))
GUARD = """\
export function allowed (who) {{
//-----BEGIN PUBLIC KEY-----
  {}
//-----END PUBLIC KEY-----
}}
"""
MINIFIED = "".join(f"function f{n}(a,b){{return a+{n}*b}}" for n in range(2_000))
INSTALLED = {"guard.js": GUARD.format("return false"), "small.js": MINIFIED}
"""Files of the app that the service runs meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deception:
    """A proposal.

    Attributes:
        body: what is signed.
        seen: what a member must see.
        can_be_shown: whether it is certain what the proposal says.
    """

    body: bytes
    seen: tuple[str, ...]
    can_be_shown: bool = True


def app_with(files: dict[str, str]) -> JsonObject:
    """Return an action that installs the tests' app with files beside its own."""
    action = thing_app("user_cert")
    bundle = action["args"]["bundle"]  # type: ignore[call-overload,index]
    assert isinstance(bundle, dict), "it was made so"
    modules = bundle["modules"]
    assert isinstance(modules, list), "it was made so"
    modules += [{"name": name, "module": text} for name, text in files.items()]
    return action


def _body(*actions: Json) -> bytes:
    return json.dumps({"actions": list(actions)}, ensure_ascii=False).encode()


def _app(name: str, text: str) -> bytes:
    return _body(app_with(INSTALLED | {name: text}))


_BLOCK = "\n//-----BEGIN PUBLIC KEY-----\n{}\n//-----END PUBLIC KEY-----\n"
_TRUSTING: Json = {
    "name": "set_constitution",
    "args": {"constitution": RULES + _BLOCK.format("var yes = true")},
}
_LONE = json.dumps({"actions": [_TRUSTING], "x": "HALF"}).replace('"HALF"', '"\\ud800"')
_DEEP = json.dumps({"actions": [_TRUSTING], "x": 0}).replace(
    '"x": 0', f'"x": {"[" * 1100}{"]" * 1100}'
)

DECEPTIONS = {
    "code in a key": Deception(
        body=_app("guard.js", GUARD.format("return true")),
        seen=("return false", "return true"),
    ),
    "a constitution with code in a key": Deception(
        body=_body(_TRUSTING), seen=("var yes = true",)
    ),
    "what nobody sees": Deception(
        body=_app("more.js", "const \u3164 = 1;\n//\rx\ufe00 = 2;\u2028y ()\n"),
        seen=("const ⟦U+3164⟧ = 1;", "//⟦U+000D⟧", "x⟦U+FE00⟧ = 2;⟦U+2028⟧", "y ()"),
    ),
    "a name that looks like another": Deception(
        body=_app("p\u043elicy.js", "// ⟦U+200B⟧\n"),
        seen=("module /p⟦U+043E⟧licy.js", "⟦U+27E6⟧U+200B⟦U+27E7⟧"),
    ),
    "a letter of a long line": Deception(
        body=_app("small.js", MINIFIED.replace("a+1500*b", "a-1500*b")),
        seen=("characters that stay⟧", "laid out by ccfpy", "return a-1500*b"),
    ),
    "half a character": Deception(
        body=_LONE.encode(),
        seen=("readers may differ about what it says", "half a character, U+D800"),
        can_be_shown=False,
    ),
    "deep brackets": Deception(
        body=_DEEP.encode(), seen=("nested deeper than 200",), can_be_shown=False
    ),
    "an object with a name twice": Deception(
        body=b'{"actions":[],"actions":[{"name":"remove_js_app","args":{}}]}',
        seen=("one name twice", "remove_js_app"),
        can_be_shown=False,
    ),
}
