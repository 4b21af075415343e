import pytest

from ccfpy.http.errors import ApiError
from tests.unit.endpoints.world import StoreNode, context_of


def test_the_query_is_parsed_once_when_asked_for() -> None:
    context = context_of(StoreNode(), query="a=%20b")
    assert context.query.get("a") == " b"
    assert context.query is context.query


def test_the_body_may_be_read_as_json() -> None:
    assert context_of(StoreNode(), body=b'{"a":1}').body_json() == {"a": 1}


def test_a_body_that_is_no_json_is_the_callers_fault() -> None:
    with pytest.raises(ApiError) as refusal:
        context_of(StoreNode(), body=b"{").body_json()
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidInput")


@pytest.mark.parametrize("slip", [b"", b"\1" * 31, b"\1" * 33, "1" * 32])
def test_a_claim_is_a_digest_or_nothing(slip: object) -> None:
    """Found out later, at the ledger's door, it would cost the node its life."""
    context = context_of(StoreNode())
    assert context.claims_digest is None
    with pytest.raises(ValueError, match="32 bytes"):
        context.claims_digest = slip  # type: ignore[assignment]  # the slip
    assert context.claims_digest is None
    context.claims_digest = b"\1" * 32
    assert context.claims_digest == b"\1" * 32
    context.claims_digest = None
    assert context.claims_digest is None


def test_evidence_is_of_the_node_and_of_the_handlers_data() -> None:
    assert context_of(StoreNode()).evidence(b"key").quote == b"key"
