"""The query string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.http.errors import ApiError
from ccfpy.http.query import Query, decode_component, parse_query


def test_parameters_are_found_by_name() -> None:
    query = parse_query('foo=bar&awkward=!?:.-"===&awkward!key?"=fine')
    assert query.get("foo") == "bar"
    assert query.get("awkward") == '!?:.-"==='
    assert query.get('awkward!key?"') == "fine"
    assert query.get("absent") is None
    assert "foo" in query
    assert "absent" not in query


def test_a_name_alone_has_an_empty_value() -> None:
    query = parse_query("empty&also_empty=&")
    assert query.get("empty") == query.get("also_empty") == query.get("") == ""


def test_an_empty_query_has_no_parameters() -> None:
    assert "" not in parse_query("")
    assert Query({}).all("x") == []


def test_a_repeated_name_keeps_every_value_in_order() -> None:
    query = parse_query("multi=b&x=1&multi=a&multi=b")
    assert query.all("multi") == ["b", "a", "b"]
    assert query.get("multi") == "b"


def test_an_escaped_separator_belongs_to_its_value() -> None:
    query = parse_query("a=1%262%3D3&b%20c=d+e%2Bf")
    assert query.get("a") == "1&2=3"
    assert query.get("b c") == "d e+f"


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("plain", "plain"),
        ("a+b%20c", "a b c"),
        ("%41%4a%4A", "AJJ"),
        ("%", "%"),
        ("%4", "%4"),
        ("%zz%2", "%zz%2"),
        ("%2520", "%20"),
        ("%C3%A9", "é"),
        ("%ff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_escapes_are_resolved_once(text: str, decoded: str) -> None:
    assert decode_component(text) == decoded


def _message(read: object) -> str:
    assert callable(read)
    with pytest.raises(ApiError) as caught:
        read()
    assert caught.value.status == 400
    assert caught.value.code == "InvalidQueryParameterValue"
    return caught.value.message


def test_typed_readers_give_values() -> None:
    query = parse_query("n=123&z=007&max=18446744073709551615&t=true&f=false&s=x")
    assert query.integer("n") == query.integer_or_none("n") == 123
    assert query.integer("z") == 7
    assert query.integer("max") == 2**64 - 1
    assert query.boolean("t") is True
    assert query.boolean("f") is False
    assert query.text("s") == "x"


def test_a_missing_parameter_is_named() -> None:
    query = parse_query("")
    expected = "Missing query parameter 'id'"
    assert _message(lambda: query.text("id")) == expected
    assert _message(lambda: query.integer("id")) == expected
    assert _message(lambda: query.boolean("id")) == expected
    assert query.integer_or_none("id") is None


@pytest.mark.parametrize(
    "value",
    [
        *("bar", "", "-1", "+1", "1.0", "1 ", "0x1", "1_0", "\N{DEVANAGARI DIGIT ONE}"),
        *("18446744073709551616", "9" * 5000),
    ],
)
def test_what_is_no_number_is_named(value: str) -> None:
    query = Query({"n": value})
    expected = f"Unable to parse value '{value}' in parameter 'n'"
    assert _message(lambda: query.integer("n")) == expected
    assert query.integer_or_none("n") is None


def test_a_number_has_a_maximum() -> None:
    query = parse_query("n=5")
    assert query.integer("n", maximum=5) == 5
    assert _message(lambda: query.integer("n", maximum=4))
    assert query.integer_or_none("n", maximum=4) is None


def test_zeros_in_front_do_not_count() -> None:
    assert Query({"n": "0" * 5000 + "1"}).integer("n") == 1
    assert Query({"n": "0" * 5000}).integer("n") == 0


@pytest.mark.parametrize("value", ["True", "1", "", "yes"])
def test_what_is_no_boolean_is_named(value: str) -> None:
    query = Query({"b": value})
    expected = f"Unable to parse value '{value}' as bool in parameter 'b'"
    assert _message(lambda: query.boolean("b")) == expected


_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF))


def _escape(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@given(st.lists(st.tuples(_text, _text), min_size=1))
def test_escaped_pairs_are_read_back(pairs: list[tuple[str, str]]) -> None:
    query = parse_query("&".join(f"{_escape(n)}={_escape(v)}" for n, v in pairs))
    for name, _ in pairs:
        assert query.all(name) == [v for n, v in pairs if n == name]
