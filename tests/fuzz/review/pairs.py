"""Texts, arguments and proposals that a member might be misled by, made by chance."""

import base64
import json
import string
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.review.actions import RENDERINGS
from ccfpy.client.review.values import PEM_ARGUMENTS

PROGRAMS: Final = (
    (
        "export function validate (input) {\n"
        "  return { valid: JSON.parse(input).actions.length > 0 };\n"
        "}\n"
        "export function resolve (proposal, proposer, votes) {\n"
        "  const yes = votes.filter((each) => each.vote).length;\n"
        '  return yes > 1 ? "Accepted" : "Open";\n'
        "}\n"
    ),
    (
        "const limit=100;function pay(a,b){if(a>limit){throw new Error('too much')}"
        "return{from:a,to:b}}export{pay};"
    )
    * 6,
    "// naïve café, Привет, 漢字\nconst x = `a${1}`;\n\treturn /[{};]/.test(x)\n",
    "a\nb\n\n\n\nc\n",
    "",
)
PEM_BODIES: Final = (
    "return true",
    "x++",
    "//",
    "AAAA",
    "ccf.kv.x = 1",
    "abcd\nreturn\ntrue\n",
    "",
)
LABELS: Final = ("CERTIFICATE", "PUBLIC KEY", "PRIVATE KEY", "X")
HIDDEN: Final = (
    "\u3164\uffa0\u115f\u1160\ufe00\ufe0f\U000e0100\U000e0041\u200b\u200c\u200d\u2060"
    "\u202a\u202e\u2066\u2069\u200e\u061c\u00a0\u2003\u3000\u00ad\u034f\u180e\ufeff\u2800"
    "\u0301\u0338\u20dd\x00\x07\x08\x1b\x7f\x85\x0b\x0c\u2028\u2029\ufff9\ufffd\ue000"
    "\u0378\U0001f600\U0001f3fb\U0001f1e6\u05d0\u0627\u0e33\u0915\u1100\u1161"
)
LOOK_ALIKE: Final = {
    "a": "\u0430\u03b1\uff41\U0001d41a\u0251",
    "c": "\u0441\u03f2\uff43",
    "e": "\u0435\uff45\u212f",
    "i": "\u0456\u0131\u2170",
    "o": "\u043e\u03bf\u0585\u0966\uff4f\u3007",
    "p": "\u0440\u03c1\uff50",
    "r": "\u0433\uff52",
    "s": "\u0455\uff53",
    "u": "\u057d\u03c5\uff55",
    "v": "\u03bd\u2174\u0475",
    "x": "\u0445\u00d7\u2179",
    "0": "\u041e\u0660",
    "3": "\u0417\u04e0",
    ";": "\u037e\uff1b",
    "/": "\u2044\u2215\u30ce",
    "-": "\u2010\u2013\u2212",
    "'": "\u2019\u02b9",
    " ": "\u00a0\u2002\u2005\u3000\t",
    "(": "\uff08\u2768",
    "=": "\ua78a\u30a0",
    "\u3082": "\u30e2",
    "\u4e8c": "\u30cb",
    "\u53e3": "\u30ed",
}
IMITATIONS: Final = (
    "⟦U+200B⟧",
    "⟦",
    "⟧",
    "⟪x⟫",
    "⟦no line break at the end⟧",
    "⟦40 spaces⟧",
    "⟦900 characters that stay⟧",
    "\\u200b",
    "@@ -1 +1 @@",
    "+",
    "-",
    "12 lines, 300 characters, SHA-256 00, beginning with",
    "certificate of CN=x, valid until 2030-01-01, SHA-256 00",
)
ENDS: Final = ("\n", "\r\n", "\r", "\u2028", "\u2029", "\n\r")


def program(dice: Random) -> str:
    """Return a program, changed a few times."""
    text = dice.choice(PROGRAMS)
    for _ in range(dice.randrange(4)):
        text = changed(dice, text)
    return text


def changed(dice: Random, text: str) -> str:
    """Return a text with one change, which may be none."""
    return dice.choice(CHANGES)(dice, text)


def _at(dice: Random, text: str) -> int:
    return dice.randrange(len(text) + 1)


def _inserted(dice: Random, text: str, part: str) -> str:
    at = _at(dice, text)
    return text[:at] + part + text[at:]


def _pem(dice: Random, text: str) -> str:
    label, begin = dice.choice(LABELS), dice.choice(("//", "", "/*", "\n//"))
    body = dice.choice(PEM_BODIES)
    block = (
        f"{begin}-----BEGIN {label}-----\n{body}\n"
        f"{dice.choice(('//', ''))}-----END {label}-----\n"
    )
    return _inserted(dice, text, block)


def _pem_body(dice: Random, text: str) -> str:
    old, new = dice.choice(PEM_BODIES), dice.choice(PEM_BODIES)
    return text.replace(old, new, 1) if old else text


def _hidden(dice: Random, text: str) -> str:
    return _inserted(dice, text, dice.choice(HIDDEN) * dice.choice((1, 1, 1, 2, 50)))


def _any(dice: Random, text: str) -> str:
    code = dice.choice((dice.randrange(0x250, 0x3100), dice.randrange(0x110000)))
    is_half = 0xD800 <= code < 0xE000
    return text if is_half else _inserted(dice, text, chr(code))


def _looks(dice: Random, text: str) -> str:
    found = [at for at, each in enumerate(text) if each in LOOK_ALIKE]
    if not found:
        return text
    at = dice.choice(found)
    return text[:at] + dice.choice(LOOK_ALIKE[text[at]]) + text[at + 1 :]


def _word(dice: Random, text: str) -> str:
    """Write a word whose letters are all of another script."""
    letters = [each for each in "aceopxis" if dice.random() < 0.6]
    word = "".join(dice.choice(LOOK_ALIKE[each]) for each in letters)
    return _inserted(dice, text, f" {word} ")


def _blanks(dice: Random, text: str) -> str:
    count = dice.choice((1, 2, 7, 40, 41, 42, 500))
    return _inserted(dice, text, dice.choice((" ", " ", "\t", "\n")) * count)


def _fewer_blanks(dice: Random, text: str) -> str:
    old, new = dice.choice((("  ", " "), ("\t", "    "), ("\n\n", "\n"), (" \n", "\n")))
    return text.replace(old, new, 1)


def _end(dice: Random, text: str) -> str:
    count = dice.choice((1, -1))
    return text.replace(dice.choice(ENDS), dice.choice(ENDS), count)


def _last_end(dice: Random, text: str) -> str:
    return text.removesuffix("\n") if dice.random() < 0.5 else f"{text}\n"


def _imitation(dice: Random, text: str) -> str:
    return _inserted(dice, text, dice.choice(IMITATIONS))


def _token(dice: Random, text: str) -> str:
    old, new = dice.choice((("1", "2"), (">", "<"), ("yes", "no"), ("&&", "||")))
    return text.replace(old, new, 1)


def _character(dice: Random, text: str) -> str:
    return _inserted(dice, text, dice.choice(string.printable))


def _removed(dice: Random, text: str) -> str:
    at = _at(dice, text)
    return text[:at] + text[at + dice.choice((1, 1, 5, 60)) :]


def _line(dice: Random, text: str) -> str:
    lines = text.split("\n")
    at = dice.randrange(len(lines))
    if dice.random() < 0.5:
        lines.insert(at, dice.choice(lines))
    else:
        other = dice.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines)


def _minified(dice: Random, text: str) -> str:
    del dice
    return text.replace("\n", "")


def _longer(dice: Random, text: str) -> str:
    return text * dice.choice((2, 3, 20)) if len(text) < 1_000 else text


CHANGES: Final[Sequence[Callable[[Random, str], str]]] = (
    *(_pem, _pem_body, _hidden, _any, _looks, _looks, _word, _blanks, _fewer_blanks),
    *(_end, _last_end, _imitation, _token, _character, _removed, _line, _minified),
    _longer,
)


def pem(dice: Random) -> str:
    """Return a certificate or a key, or what could be taken for one."""
    der = dice.randbytes(dice.choice((0, 1, 3, 48, 60, 100)))
    text = base64.b64encode(der).decode()
    width = dice.choice((64, 64, 64, 76, 1000))
    rows = "\n".join(text[at : at + width] for at in range(0, len(text), width))
    label = dice.choice(LABELS)
    end = dice.choice(("\n", "\n", ""))
    return f"-----BEGIN {label}-----\n{rows}\n-----END {label}-----{end}"


def value(dice: Random, depth: int = 3) -> Json:
    """Return an argument."""
    match dice.randrange(10 if depth else 7):
        case 0:
            return dice.choice((None, True, False, 0, 1, -1, 1 << 53, 0.5, 1e21, 1e-7))
        case 1:
            return dice.choice(
                ("", "null", "true", "1", '"x"', "[1, 2]", "{}", "ab" * 32)
            )
        case 2 | 3:
            return pem(dice)
        case 4 | 5 | 6:
            return program(dice)[: dice.choice((5, 50, 199, 200, 201, 5_000))]
        case 7:
            return [value(dice, depth - 1) for _ in range(dice.randrange(4))]
        case _:
            names = (program(dice)[:8] for _ in range(dice.randrange(4)))
            return {name: value(dice, depth - 1) for name in names}


def other_value(dice: Random, given: Json) -> Json:
    """Return a value that is nearly the same."""
    if dice.random() < 0.2:
        return json.dumps(given) if dice.random() < 0.5 else value(dice)
    match given:
        case str():
            return changed(dice, given)
        case [*items]:
            return _other_list(dice, items)
        case dict():
            return _other_object(dice, given)
        case _:
            return value(dice, 0)


def _other_list(dice: Random, given: list[Json]) -> Json:
    if not given or dice.random() < 0.3:
        return [*given, value(dice, 1)]
    at = dice.randrange(len(given))
    return [*given[:at], other_value(dice, given[at]), *given[at + 1 :]]


def _other_object(dice: Random, given: JsonObject) -> Json:
    if not given or dice.random() < 0.3:
        return {**given, program(dice)[:8]: value(dice, 1)}
    name = dice.choice(list(given))
    other = changed(dice, name) if dice.random() < 0.3 else name
    return {
        (other if each == name else each): (
            other_value(dice, item) if each == name else item
        )
        for each, item in given.items()
    }


def document(dice: Random) -> JsonObject:
    """Return a proposal of any actions."""
    actions: list[Json] = []
    for _ in range(dice.choice((1, 1, 2))):
        name = dice.choice(list(RENDERINGS))
        arguments: JsonObject = {
            argument: pem(dice)
            if argument in PEM_ARGUMENTS.get(name, ()) and dice.random() < 0.7
            else value(dice)
            for argument in sorted(RENDERINGS[name].arguments)
        }
        actions.append({"name": name, "args": arguments})
    return {"actions": actions}


def other_document(dice: Random, given: JsonObject) -> JsonObject:
    """Return a proposal that is nearly the same."""
    actions = list(given["actions"]) if isinstance(given["actions"], list) else []
    at = dice.randrange(len(actions))
    action = actions[at]
    assert isinstance(action, dict), "it was made so"
    name, arguments = str(action["name"]), action["args"]
    match dice.randrange(8):
        case 0:
            action = {**action, "name": changed(dice, name)}
        case 1:
            action = {**action, program(dice)[:6]: value(dice, 1)}
        case 2:
            return {**given, program(dice)[:6]: value(dice, 1)}
        case 3:
            return {**given, "actions": [*actions, action]}
        case _:
            action = {**action, "args": other_value(dice, arguments)}
    return {**given, "actions": [*actions[:at], action, *actions[at + 1 :]]}


SPELLINGS: Final = (
    (b'"actions"', b'"acti\\u006fns"'),
    (b'"actions"', b'"actions":[],"actions"'),
    (b'"name"', b'"name":"x","name"'),
    (b'"args"', b'"args":{},"args"'),
    (b":", b" : "),
    (b"1", b"1.0"),
    (b"1", b"1e0"),
    (b"1", b"9007199254740993"),
    (b"1", b"1.00000000000000000000001"),
    (b"1", b"1e400"),
    (b"1", b"-0"),
    (b"1", b"01"),
    (b"true", b"NaN"),
    (b"true", b"True"),
    (b'"', b'"\\ud800'),
    (b'"', b'"\\udc00\\ud800'),
    (b'"', b'"\\ud83d\\ude00'),
    (b'"', b'"\xed\xa0\x80'),
    (b'"', b'"\xff'),
    (b'"', b'"\x01'),
    (b'"', b'"\\x41'),
    (b'"', b'"\\u0000'),
    (b'"', b'"__proto__'),
    (b"{", b'{"__proto__":{"actions":[]},'),
    (b"{", b"{/**/"),
    (b"}", b",}"),
    (b"]", b",]"),
    (b"[", b"[" * 300),
    (b"[", b"[" * 1200),
)


def body(dice: Random) -> bytes:
    """Return a proposal as JSON that readers may read otherwise than each other."""
    text = json.dumps(document(dice), ensure_ascii=dice.random() < 0.5)
    given = text.encode(errors="replace")
    if dice.random() < 0.1:
        depth = dice.choice((150, 195, 205, 1100, 3000))
        given = given[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"
    for _ in range(dice.randrange(3)):
        old, new = dice.choice(SPELLINGS)
        parts = given.split(old)
        if len(parts) > 1:
            at = dice.randrange(1, len(parts))
            given = old.join(parts[:at]) + new + old.join(parts[at:])
    if dice.random() < 0.2:
        given = dice.choice((b"\xef\xbb\xbf", b"\x00", b"\x0b", b" \n", b"")) + given
    if dice.random() < 0.2:
        given += dice.choice((b"\x00", b" x", b"{}", b"\n", b"\xa0", b"\xc2\xa0"))
    return given
