import re

import pytest

from ccfpy.client.vocabulary import LISTED_MAX, NotOneId, SignatureForm, whole_id


@pytest.mark.parametrize("form", SignatureForm)
def test_a_signatures_form_says_how_it_is_read(form: SignatureForm) -> None:
    assert form.is_raw == form.value.startswith("raw")
    assert form.is_text == form.value.endswith("base64")


FIRST, SECOND, OTHER = (each.ljust(64, "0") for each in ("ea591", "ea592", "4f3a"))


@pytest.mark.parametrize("beginning", ["ea591", "EA591", FIRST[:63], FIRST])
def test_the_id_that_begins_so_is_found(beginning: str) -> None:
    assert whole_id("proposal", beginning, [FIRST, SECOND, OTHER]) == FIRST


def test_a_whole_id_needs_not_be_known() -> None:
    assert whole_id("proposal", FIRST, []) == FIRST


@pytest.mark.parametrize(
    ("beginning", "known", "sentence"),
    [
        ("ea", [FIRST, SECOND, OTHER], "fits 2 proposals, ea591000 and ea592000: say"),
        ("b", [FIRST, OTHER], "begins with 'b': there is 4f3a0000 and ea591000"),
        ("b", [OTHER], "begins with 'b': there is 4f3a0000"),
        ("b", [], "begins with 'b': there is none at all"),
        ("", [FIRST, OTHER], "fits 2 proposals"),
    ],
)
def test_a_beginning_of_no_id_or_of_several_lists_what_fits(
    beginning: str, known: list[str], sentence: str
) -> None:
    with pytest.raises(NotOneId, match=re.escape(sentence)):
        whole_id("proposal", beginning, known)


@pytest.mark.parametrize("count", [LISTED_MAX, LISTED_MAX + 1])
def test_a_long_list_is_cut(count: int) -> None:
    known = [f"{number:064x}" for number in range(count)]
    with pytest.raises(NotOneId) as refused:
        whole_id("node", "0", known)
    assert ("and 1 more" in str(refused.value)) == (count > LISTED_MAX)
    assert known[1] in str(refused.value)  # as many characters as tell them apart
