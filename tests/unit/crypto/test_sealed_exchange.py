"""A request and its one answer, and everything that somebody between might try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.hpke import HpkeKey, seal
from ccfpy.crypto.sealed_exchange import (
    ANSWER_OVERHEAD_BYTES,
    OpenedRequest,
    SealedRequest,
    key_binding,
)
from ccfpy.testing.entropy import SeededEntropy

KEY = HpkeKey.generate(SeededEntropy(1))
CONTEXT = b"version 1"


def _asked(content: bytes = b"question") -> tuple[SealedRequest, OpenedRequest]:
    asked = SealedRequest.seal(KEY.public, content, context=CONTEXT)
    return asked, OpenedRequest.open(KEY, asked.message, context=CONTEXT)


@given(question=st.binary(max_size=300), answer=st.binary(max_size=300))
def test_a_question_is_answered(question: bytes, answer: bytes) -> None:
    asked, opened = _asked(question)
    assert opened.content == question
    sealed = opened.seal_answer(answer, SeededEntropy(2))
    assert len(sealed) == len(answer) + ANSWER_OVERHEAD_BYTES
    assert asked.open_answer(sealed) == answer


def test_an_answer_is_to_one_request_alone() -> None:
    asked, opened = _asked()
    again, _ = _asked()
    sealed = opened.seal_answer(b"answer", SeededEntropy(2))
    with pytest.raises(VerificationFailed):
        again.open_answer(sealed)
    assert asked.open_answer(sealed) == b"answer"


def test_a_request_answered_twice_has_answers_of_different_keys() -> None:
    asked, opened = _asked()
    entropy = SeededEntropy(2)
    first, second = (opened.seal_answer(b"same", entropy) for _ in range(2))
    assert first[32:] != second[32:]
    assert asked.open_answer(first) == asked.open_answer(second) == b"same"


def test_a_request_opens_in_its_context_alone() -> None:
    asked, _ = _asked()
    with pytest.raises(VerificationFailed):
        OpenedRequest.open(KEY, asked.message, context=b"version 2")


@given(data=st.data())
def test_no_bit_of_an_answer_can_be_flipped(data: st.DataObject) -> None:
    asked, opened = _asked()
    sealed = bytearray(opened.seal_answer(b"answer", SeededEntropy(2)))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VerificationFailed):
        asked.open_answer(bytes(sealed))


@given(junk=st.binary(max_size=2 * ANSWER_OVERHEAD_BYTES))
def test_junk_is_no_answer(junk: bytes) -> None:
    asked, _ = _asked()
    is_short = len(junk) < ANSWER_OVERHEAD_BYTES
    with pytest.raises(Malformed if is_short else VerificationFailed):
        asked.open_answer(junk)


@pytest.mark.parametrize("size", [0, 31])
def test_a_request_brings_a_secret_for_its_answer(size: int) -> None:
    info = b"ccfpy sealed exchange 1 request\0" + CONTEXT
    message = seal(KEY.public, bytes(size), info=info)
    with pytest.raises(Malformed, match="lacks the secret"):
        OpenedRequest.open(KEY, message, context=CONTEXT)


def test_both_sides_have_the_same_salt_and_no_other_exchange_has() -> None:
    asked, opened = _asked()
    other, _ = _asked()
    assert asked.salt == opened.salt != other.salt


def test_the_same_message_has_the_same_digest() -> None:
    asked, opened = _asked()
    again = OpenedRequest.open(KEY, asked.message, context=CONTEXT)
    other = _asked()[1]
    assert opened.digest == again.digest != other.digest


def test_content_and_secrets_do_not_show() -> None:
    asked, opened = _asked(b"confidential")
    assert "confidential" not in repr(opened) + repr(asked)
    assert asked._exchange.secret.hex() not in repr(asked._exchange)
    assert repr(asked._exchange.secret) not in repr(asked._exchange)


def _binding(**changed: bytes | int) -> bytes:
    told: dict[str, bytes | int] = {
        "nonce": bytes(32),
        "public_key": bytes(32),
        "key_version": 1,
        "subject": bytes(32),
    }
    return key_binding(**(told | changed))  # type: ignore[arg-type] # each has its type


def test_evidence_is_bound_to_each_thing_that_counts() -> None:
    one = b"\1" * 32
    bindings = {
        _binding(),
        _binding(nonce=one),
        _binding(public_key=one),
        _binding(key_version=2),
        _binding(subject=one),
    }
    assert len(bindings) == 5


@pytest.mark.parametrize("name", ["nonce", "public_key", "subject"])
def test_what_evidence_is_bound_to_has_its_length(name: str) -> None:
    with pytest.raises(Malformed, match="of 32 bytes, not 31"):
        _binding(**{name: bytes(31)})
