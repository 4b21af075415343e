"""JSON of proposals, read as every reader reads it, or not at all.

A service's engine reads a proposal, and so does who shows it to members. Where two
readers could differ, one may act on what the other never showed. So only JSON that
has one meaning is read here. Of what the engine takes and this refuses, members are
told that it cannot be shown, and nobody is asked to vote for it.
"""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.limits import PROPOSAL_DEPTH_MAX

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_WHOLE_MAX: Final = 1 << 53
"""Up to here JavaScript has each whole number."""


def read_proposal(body: bytes) -> JsonObject:
    """Read a proposal.

    Raises:
        Malformed: it can be read in more than one way, or is none. The words say why.
    """
    value = read_json(body)
    if not isinstance(value, dict):
        raise Malformed("it is no JSON object")
    actions = value.get("actions")
    if not isinstance(actions, list):
        raise Malformed("it has no list of actions")
    for number, action in enumerate(actions, 1):
        if not isinstance(action, dict) or not isinstance(action.get("name"), str):
            raise Malformed(f"its action {number} has no name")
    return value


def why_not_shown(body: bytes) -> str:
    """Return why a proposal cannot be shown; nothing if it can."""
    try:
        read_proposal(body)
    except Malformed as error:
        return f"readers may differ about what it says: {error}"
    return ""


def document_of(body: bytes) -> JsonObject:
    """Return a proposal; an empty one, if it cannot be shown."""
    try:
        return read_proposal(body)
    except Malformed:
        return {}


def read_json(text: bytes) -> Json:
    """Read JSON that has one meaning.

    Raises:
        Malformed: it has none, or several.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start} is not UTF-8") from None
    if _depth(decoded) > PROPOSAL_DEPTH_MAX:
        raise Malformed(f"it is nested deeper than {PROPOSAL_DEPTH_MAX} levels")
    try:
        return _checked(_DECODER.decode(decoded))
    except json.JSONDecodeError as error:
        raise Malformed(f"it is not JSON: {error}") from None


def _depth(text: str) -> int:
    """Return how deep brackets are nested, those in texts left out."""
    deepest = depth = 0
    for found in _STRUCTURE.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    found: JsonObject = {}
    for name, value in pairs:
        if name in found:
            raise Malformed("an object has one name twice")
        _check_text(name)
        found[name] = _checked(value)
    return found


def _checked(value: Json) -> Json:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _checked(item)
    return value


def _check_text(text: str) -> None:
    if found := _SURROGATE.search(text):
        raise Malformed(f"a text has half a character, U+{ord(found[0]):04X}")


def _whole(digits: str) -> int:
    # A text of many digits is no number to count with, and takes long to become one.
    if len(digits) > len(str(-_WHOLE_MAX)) or abs(int(digits)) > _WHOLE_MAX:
        raise Malformed(f"the number {digits[:40]} is larger than the engine counts")
    if digits.startswith("-0"):
        raise Malformed("a number is -0")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    try:
        is_exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(digits)
    except InvalidOperation:
        is_exact = False
    if not is_exact:
        raise Malformed(f"the engine reads the number {digits[:40]} as another")
    return number


def _constant(name: str) -> NoReturn:
    raise Malformed(f"it is not JSON: {name}")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_whole,
    parse_float=_fraction,
    parse_constant=_constant,
)
