"""Mutations of a well-formed example.

Bytes are cut, flipped, repeated and mixed with those of other examples. Values inside
JSON and CBOR are replaced by any others. Both kinds begin with a valid example, so that
they pass a parser's first check.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

LARGE = tuple(
    number.to_bytes(8, order)
    for number in (0, 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
    for order in ("little", "big")
)
"""Counts and sizes that no input can have."""
EDITS_MAX = 4
TEXTS = ("", "\0", "ü" * 3, "-", "==", "9" * 400, "../..", "a.b.c", "1.1")

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.sampled_from(TEXTS),
    st.text(max_size=8),
)
JSON_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn, examples: Sequence[bytes]) -> bytes:
    """Take an example and edit it in a few places."""
    data = bytearray(draw(st.sampled_from(examples)))
    for _ in range(draw(st.integers(1, EDITS_MAX))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 64)))
        edit = draw(st.integers(0, 7))
        if edit == 0 and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif edit == 1:
            del data[at:]
        elif edit == 2:
            del data[at:to]
        elif edit == 3:
            data[at:at] = data[at:to] * draw(st.integers(1, 20))
        elif edit == 4:
            data[at : at + 8] = draw(st.sampled_from(LARGE))
        elif edit == 5:
            other = draw(st.sampled_from(examples))
            data[at:to] = other[at : at + draw(st.integers(0, 64))]
        else:
            data[at:to] = draw(st.binary(max_size=16))
    return bytes(data)


@st.composite
def replaced(draw: st.DrawFn, value: object) -> object:
    """Replace, remove or add one value somewhere inside a value."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        return draw(_in_map(value))
    if isinstance(value, list | tuple) and value and draw(st.integers(0, 9)):
        return draw(_in_list(list(value)))
    return draw(JSON_VALUES)


@st.composite
def _in_map(draw: st.DrawFn, fields: dict[object, object]) -> dict[object, object]:
    changed = dict(fields)
    name = draw(st.sampled_from(list(fields)))
    what = draw(st.integers(0, 9))
    if what == 0:
        del changed[name]
    elif what == 1:
        changed[draw(st.sampled_from(TEXTS[:3]))] = draw(JSON_VALUES)
    else:
        changed[name] = draw(replaced(fields[name]))
    return changed


@st.composite
def _in_list(draw: st.DrawFn, items: list[object]) -> list[object]:
    at = draw(st.integers(0, len(items) - 1))
    what = draw(st.integers(0, 9))
    if what == 0:
        return items[:at] + items[at + 1 :]
    if what == 1:
        return [*items, *items[at:]]
    return [*items[:at], draw(replaced(items[at])), *items[at + 1 :]]
