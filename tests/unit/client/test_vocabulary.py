import pytest

from ccfpy.client.vocabulary import SignatureForm


@pytest.mark.parametrize("form", SignatureForm)
def test_a_signatures_form_says_how_it_is_read(form: SignatureForm) -> None:
    assert form.is_raw == form.value.startswith("raw")
    assert form.is_text == form.value.endswith("base64")
