"""Text of strangers is text, in elements and in attributes."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.unseen import UNSEEN
from ccfpy.endpoints.api_page.page import attribute, element, escape


def test_markup_has_no_meaning() -> None:
    assert escape("<b a='\"'>&") == "&lt;b a=&#x27;&quot;&#x27;&gt;&amp;"


def test_what_is_unseen_is_shown_by_its_number() -> None:
    assert escape("a\u202eb\x07\ud800") == "a\\u202eb\\u0007\\ud800"


SEEN = st.characters(exclude_categories=["C", "Z"]).filter(
    lambda character: re.match(f"[{UNSEEN}]", character) is None
)


@given(st.text(alphabet=SEEN))
def test_a_browser_reads_what_was_written(text: str) -> None:
    assert html.unescape(escape(text)) == text
    assert not {"<", ">", '"', "'"} & set(escape(text))


def test_an_element_holds_its_attributes() -> None:
    made = element("p", "in", kind="k", more=attribute("id", '"'))
    assert made == '<p class="k" id="&quot;">in</p>'
