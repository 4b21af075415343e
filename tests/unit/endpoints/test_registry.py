import re
from string import ascii_lowercase
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.registry import (
    AmbiguousPath,
    Registry,
    parameter_names,
    template_pattern,
)
from ccfpy.http.messages import Response

_names = st.text(ascii_lowercase, min_size=1, max_size=5)
_values = st.text(min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))


def _handler(_: Context) -> Response:
    return Response(status=200)


def _registry(*endpoints: tuple[str, str], is_exact: bool = False) -> Registry:
    registry = Registry(
        "app", title="t", description="d", version="1", is_exact=is_exact
    )
    for method, path in endpoints:
        registry.add(Endpoint(method=method, path=path, handler=_handler))
    return registry


def test_a_fixed_path_wins_over_a_template() -> None:
    registry = _registry(("GET", "/a/{x}"), ("GET", "/a/b"))
    match = registry.find("GET", "/a/b")
    assert match is not None
    assert (match.endpoint.path, dict(match.params)) == ("/a/b", {})


def test_a_path_is_fixed_whatever_its_verb_and_a_templates_is_not() -> None:
    registry = _registry(("GET", "/a/{x}"), ("PUT", "/a/b"))
    assert registry.has_fixed("/a/b")
    assert not registry.has_fixed("/a/c")


def test_a_fixed_path_without_the_verb_leaves_it_to_templates() -> None:
    registry = _registry(("GET", "/a/{x}"), ("PUT", "/a/b"))
    match = registry.find("GET", "/a/b")
    assert match is not None
    assert dict(match.params) == {"x": "b"}
    assert registry.methods_of("/a/b") == ["GET", "PUT"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/p/7:submit", {"id": "7"}),
        ("/p/:submit", None),
        ("/p/7/8:submit", None),
        ("/p/7", None),
        ("/q/7:submit", None),
    ],
)
def test_a_parameter_ends_at_the_character_that_follows_it(
    path: str, expected: dict[str, str] | None
) -> None:
    match = _registry(("POST", "/p/{id}:submit")).find("POST", path)
    assert (match and dict(match.params)) == expected


def test_two_matching_templates_are_an_error_that_names_both() -> None:
    registry = _registry(("GET", "/{a}/x"), ("GET", "/y/{b}"))
    with pytest.raises(AmbiguousPath, match=re.escape("path /y/x: /{a}/x, /y/{b}")):
        registry.find("GET", "/y/x")


def test_another_verb_on_an_ambiguous_path_is_no_error() -> None:
    registry = _registry(("GET", "/{a}/x"), ("PUT", "/y/{b}"))
    match = registry.find("GET", "/y/x")
    assert match is not None
    assert match.endpoint.path == "/{a}/x"


def test_an_unknown_path_matches_nothing_and_has_no_verbs() -> None:
    registry = _registry(("GET", "/a"), ("GET", "/b/{x}"))
    assert registry.find("GET", "/c") is None
    assert registry.methods_of("/c") == []


def test_a_later_endpoint_replaces_an_earlier_one() -> None:
    registry = _registry(("GET", "/a"), ("GET", "/b/{x}"))
    newer = Endpoint(method="GET", path="/b/{x}", handler=_handler)
    registry.add(newer)
    match = registry.find("GET", "/b/1")
    assert match is not None
    assert match.endpoint is newer
    assert len(list(registry)) == 2


def test_endpoints_are_listed_by_path_then_verb() -> None:
    registry = _registry(("PUT", "/b"), ("GET", "/b"), ("GET", "/a/{x}"))
    listed = [(endpoint.path, endpoint.method) for endpoint in registry]
    assert listed == [("/a/{x}", "GET"), ("/b", "GET"), ("/b", "PUT")]


@pytest.mark.parametrize("path", ["/a/{x", "/a/{x}/{x}", "/{y}/{x}/{y}"])
def test_a_broken_template_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path template"):
        _registry(("GET", path))


def test_a_path_without_braces_is_no_template() -> None:
    assert template_pattern("/a/b") is None
    assert parameter_names("/a/{x}/b/{y_z}") == ("x", "y_z")


@given(names=st.lists(_names, min_size=1, max_size=4, unique=True), data=st.data())
def test_whatever_is_put_in_place_of_parameters_is_found_again(
    names: list[str], data: st.DataObject
) -> None:
    values = {name: data.draw(_values) for name in names}
    template = "".join(f"/{name}/{{{name}}}" for name in names)
    path = "".join(f"/{name}/{quote(values[name], safe='')}" for name in names)
    match = _registry(("GET", template)).find("GET", path)
    assert match is not None
    assert dict(match.params) == values


def test_an_exact_registry_leaves_a_path_to_what_fits_it_most_closely() -> None:
    registry = _registry(
        ("GET", "/nodes/self"),
        ("GET", "/nodes/{id}"),
        ("DELETE", "/nodes/{id}"),
        ("GET", "/proposals/{id}"),
        ("POST", "/proposals/{id}:withdraw"),
        is_exact=True,
    )
    assert registry.methods_of("/nodes/self") == ["GET"]
    assert registry.find("DELETE", "/nodes/self") is None
    assert registry.methods_of("/nodes/7") == ["DELETE", "GET"]
    assert registry.find("DELETE", "/nodes/7") is not None
    assert registry.methods_of("/proposals/7:withdraw") == ["POST"]
    assert registry.find("GET", "/proposals/7:withdraw") is None
    assert registry.find("POST", "/proposals/7:withdraw") is not None
    assert registry.find("GET", "/proposals/7") is not None
    assert registry.methods_of("/nothing") == []
    assert registry.find("GET", "/nothing") is None


def test_an_exact_registry_still_names_two_templates_that_fit_alike() -> None:
    registry = _registry(("GET", "/a/{x}"), ("GET", "/{y}/b"), is_exact=True)
    with pytest.raises(AmbiguousPath):
        registry.find("GET", "/a/b")
