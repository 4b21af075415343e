"""Examples on the page of an interface are short, and say where they were cut."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.client.keys import KeyFiles
from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.example import TEXT_MAX, CurlCaller, curl, written

if TYPE_CHECKING:
    from ccfpy.base.json import Json


QUOTES = 2
LEVELS = 100_000
"""More than any version of Python writes: 3.13 goes far beyond its recursion limit."""


@pytest.mark.parametrize("longer", [False, True])
def test_a_value_is_cut_beyond_what_a_page_shows(longer: bool) -> None:
    text = written("x" * (TEXT_MAX - QUOTES + longer))
    assert len(text) == TEXT_MAX + longer
    assert text.endswith("…") is longer


def test_a_value_nested_too_deep_to_be_written_is_left_out() -> None:
    value: Json = []
    for _ in range(LEVELS):
        value = [value]
    assert written(value) == "…"


CALLER = CurlCaller(url="https://node.example", folder="KEYS")


def _line(operation: JsonObject, *, path: str = "/a", verb: str = "get") -> list[str]:
    document = ApiDocument({"paths": {path: {verb: operation}}})
    (only,) = document.operations()
    return shlex.split(curl(document, only, CALLER))


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        ("user_cert", "KEYS/user0_cert.pem"),
        ("member_cert", "KEYS/member0_cert.pem"),
        ("jwt", "authorization: Bearer TOKEN"),
    ],
)
def test_credentials_are_those_of_the_first_policy(policy: str, shown: str) -> None:
    assert shown in _line({"x-ccfpy-policies": ["no_auth", policy]})
    assert shown not in _line({"x-ccfpy-policies": ["no_auth"]})


def test_keys_have_the_names_of_our_own_files() -> None:
    key = KeyFiles(folder=Path("KEYS"), name="user0").private_key
    assert str(key) in _line({"x-ccfpy-policies": ["user_cert"]})


def test_parameters_are_filled_in_and_quoted() -> None:
    text: JsonObject = {"type": "string", "default": "a b/&"}
    line = _line(
        {
            "parameters": [
                {"in": "path", "name": "id", "required": True, "schema": text},
                {"in": "query", "name": "q", "required": True, "schema": text},
                {"in": "query", "name": "not", "schema": text},
            ]
        },
        path="/a/{id}",
        verb="delete",
    )
    assert line[-1] == "https://node.example/a/a%20b%2F%26?q=a%20b%2F%26"
    assert line[line.index("-X") + 1] == "DELETE"


def test_a_signed_body_is_a_file_to_be_named() -> None:
    content: JsonObject = {"application/cose": {"schema": {"type": "string"}}}
    assert "@SIGNED" in _line({"requestBody": {"content": content}}, verb="post")
