"""What several documents say alike."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.endpoints.answers import (
    EvidenceFormat,
    InterfaceAnswer,
    SizeText,
    TxIdText,
)
from ccfpy.endpoints.schema import schema_of
from ccfpy.service.tables.nodes import CCF_QUOTE_FORMATS


def test_a_field_that_may_lack_is_never_null() -> None:
    shape = schema_of(InterfaceAnswer)
    bare = shape.read({"bind_address": "a:1"})
    assert shape.write is not None
    assert shape.write(bare) == {"bind_address": "a:1"}
    with pytest.raises(Malformed, match="#/protocol"):
        shape.read({"bind_address": "a:1", "protocol": None})


@pytest.mark.parametrize("text", ["1", "16KB", "1TB"])
def test_a_size_is_a_number_with_a_unit(text: str) -> None:
    assert schema_of(SizeText).read(text) == text


@pytest.mark.parametrize(("kind", "text"), [(SizeText, "1kb"), (TxIdText, "2")])
def test_other_text_is_refused(kind: object, text: str) -> None:
    with pytest.raises(Malformed):
        schema_of(kind).read(text)


def test_documents_state_the_formats_of_evidence_that_ccf_knows() -> None:
    described = schema_of(EvidenceFormat).components["QuoteFormat"]
    assert isinstance(described, dict)
    assert described["enum"] == [each.value for each in CCF_QUOTE_FORMATS]
