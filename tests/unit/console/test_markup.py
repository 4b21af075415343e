"""The page of endpoints becomes elements, and nothing that is not ours."""

from collections.abc import Iterator

from apps.logging.app import app as logging
from ccfpy.console.answers import Markup
from ccfpy.console.markup import TAGS, markup
from ccfpy.endpoints.api_page.curl import CurlCaller
from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.page import articles

CALLER = CurlCaller(url="https://node.example", folder="KEYS")


def _all(part: Markup) -> Iterator[Markup]:
    yield part
    for inner in part.inner:
        yield from _all(inner)


def _text(part: Markup) -> str:
    return "".join(each.text for each in _all(part))


def test_every_operation_is_an_element_that_can_be_found() -> None:
    document = logging.openapi()
    (html,) = articles([ApiDocument(document)], CALLER)
    made = markup(html)
    operations = [each for each in _all(made) if each.tag == "details"]
    paths = document["paths"]
    assert isinstance(paths, dict)
    found = [each for path in paths for each in operations if path in each.search]
    assert len(operations) > 10
    assert {each.search for each in found} == {each.search for each in operations}
    assert "curl --cacert KEYS/service_cert.pem" in _text(made)


def test_text_of_strangers_stays_text() -> None:
    evil = "<script>evil()</script><b onclick=evil()>"
    (html,) = articles([ApiDocument({"info": {"title": evil}})], CALLER)
    made = markup(html)
    assert {each.tag for each in _all(made)} <= TAGS | {""}
    assert evil in _text(made)


def test_elements_that_the_renderer_does_not_write_are_dropped() -> None:
    made = markup('<p class="a">x<iframe src="y">z</iframe></p>')
    (paragraph,) = made.inner
    assert (paragraph.tag, paragraph.kind) == ("p", "a")
    assert [each.text for each in paragraph.inner] == ["x", "z"]
