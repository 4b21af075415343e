"""Attacks on sealed bytes by an intermediary, and the result of each."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.inference import channel
from apps.inference.limits import REQUESTS_REMEMBERED_MAX
from apps.inference.messages import Purpose
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.testing.apps import Answer
from tests.apps.inference_kit import (
    Inference,
    Question,
    ask,
    header_for,
    row,
    scaling,
    seal,
)

X = {"x": row(1, 2, 3)}


@pytest.fixture(scope="module")
def inference() -> Inference:
    """A service with a model, another of the same form, and one that anybody may
    ask."""
    inference = Inference.scaling()
    inference.install(scaling(3.0), "scale", 2)
    inference.install(scaling(4.0), "open", access="anybody")
    return inference


def _told(inference: Inference, version: int = 1) -> JsonObject:
    return inference.key(version=version)


def _refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.error


@pytest.mark.parametrize("verb", ["score", "record"])
def test_a_request_sent_again_is_not_answered_again(
    inference: Inference, verb: str
) -> None:
    purpose = Purpose.SCORE if verb == "score" else Purpose.RECORD
    question = ask(_told(inference), X, purpose)
    assert inference.send(question, verb=verb).status == 200
    again = inference.send(question, verb=verb)
    assert _refusal(again) == (409, "RequestReplayed")
    assert again.message == "The request was answered already."


def test_a_request_on_record_is_not_answered_again_by_another_node() -> None:
    inference = Inference.scaling(nodes=3)
    question = ask(_told(inference), X, Purpose.RECORD)
    statuses = [
        inference.send(question, caller=inference.ann.at(node), verb="record").status
        for node in inference.service.nodes
    ]
    assert statuses == [200, 409, 409]


def test_a_node_forgets_the_oldest_request_first() -> None:
    remembered = channel.Remembered()
    first, *others = (b"%d" % i for i in range(REQUESTS_REMEMBERED_MAX))
    assert all(map(remembered.is_new, (first, *others)))
    assert not remembered.is_new(first)
    assert remembered.describe() == {"requests": REQUESTS_REMEMBERED_MAX}
    assert remembered.is_new(b"one more")
    assert remembered.is_new(first)


@settings(max_examples=60)
@given(data=st.data())
def test_no_bit_of_a_request_can_be_flipped(
    inference: Inference, data: st.DataObject
) -> None:
    question = ask(_told(inference), X)
    body = bytearray(question.body)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 7))
    changed = Question(question.sealed, bytes(body), question.plaintext)
    refused = inference.send(changed)
    assert _refusal(refused) in {
        (400, "SealedRequestRefused"),
        (409, "KeyVersionUnknown"),
        (409, "ModelMismatch"),
    }


def test_a_request_cut_short_is_none(inference: Inference) -> None:
    question = ask(_told(inference), X)
    for length in (0, 1, 41, 42, 89):
        cut = Question(question.sealed, question.body[:length], b"")
        assert _refusal(inference.send(cut)) == (400, "SealedRequestRefused")


@pytest.mark.parametrize("version", [0, 2, 2**64 - 1])
def test_another_key_version_is_unknown(inference: Inference, version: int) -> None:
    question = ask(_told(inference) | {"key_version": version}, X)
    assert _refusal(inference.send(question)) == (409, "KeyVersionUnknown")


def test_a_request_for_one_model_is_not_for_another(inference: Inference) -> None:
    question = ask(_told(inference, 1), X)
    refused = inference.send(question, version=2)
    assert _refusal(refused) == (409, "ModelMismatch")
    header = header_for(_told(inference, 2), Purpose.SCORE)
    body = header + question.sealed.message
    relabelled = Question(question.sealed, body, question.plaintext)
    refused = inference.send(relabelled, version=2)
    assert _refusal(refused) == (400, "SealedRequestRefused")


def test_a_request_is_for_one_purpose(inference: Inference) -> None:
    question = ask(_told(inference), X, Purpose.RECORD)
    assert _refusal(inference.send(question)) == (400, "SealedRequestRefused")


def test_an_answer_is_to_one_question(inference: Inference) -> None:
    told = _told(inference)
    mine, others = ask(told, X), ask(told, {"x": row(4, 5, 6)})
    answer = inference.send(others)
    with pytest.raises(VerificationFailed):
        mine.open(answer)


def test_an_answer_of_another_model_does_not_open(inference: Inference) -> None:
    question = ask(_told(inference, 1), X)
    other = ask(_told(inference, 2), X)
    with pytest.raises(VerificationFailed):
        question.open(inference.send(other, version=2))


def test_who_is_no_user_may_use_what_is_for_anybody(inference: Inference) -> None:
    anybody = inference.service.anybody
    refused = anybody.get(f"/app/models/scale/key?nonce={'00' * 32}")
    assert _refusal(refused) == (403, "AuthorizationFailed")
    question = ask(_told(inference), X)
    for verb in ("score", "record"):
        refused = inference.send(question, caller=anybody, verb=verb)
        assert _refusal(refused) == (403, "AuthorizationFailed")
    told = inference.key("open", anybody)
    question = ask(told, X)
    answer = inference.send(question, "open", caller=anybody)
    np.testing.assert_array_equal(question.open(answer).tensors["y"], row(4, 8, 12))
    listed = anybody.get("/app/models").object()["models"]
    assert isinstance(listed, list)
    assert [each["name"] for each in listed if isinstance(each, dict)] == ["open"]


def test_a_token_is_as_good_as_a_certificate() -> None:
    inference = Inference.scaling()
    token = inference.service.trust_issuer().token(sub="somebody")
    bearer = inference.service.bearer(token)
    question = ask(inference.key(caller=bearer), X)
    assert inference.send(question, caller=bearer).status == 200


BAD_QUESTIONS = {
    "missing input": ({}, "MissingInput", "needs an input 'x'"),
    "unknown input": (X | {"z": row(1)}, "UnknownInput", "no input 'z'"),
    "wrong type": (
        {"x": np.zeros((1, 3))},
        "WrongTensorType",
        "type float32, not float64",
    ),
    "wrong size": ({"x": row(1, 2)}, "WrongTensorShape", "[?, 3], not [1, 2]"),
    "wrong rank": ({"x": row(1, 2, 3)[0]}, "WrongTensorShape", "[?, 3], not [3]"),
    "no elements": (
        {"x": np.zeros((0, 3), np.float32)},
        "WrongTensorShape",
        "no elements",
    ),
}


@pytest.mark.parametrize(
    ("tensors", "code", "said"), BAD_QUESTIONS.values(), ids=BAD_QUESTIONS.keys()
)
def test_what_is_wrong_with_a_question_is_told_to_who_asked_alone(
    inference: Inference, tensors: dict[str, np.ndarray], code: str, said: str
) -> None:
    question = ask(_told(inference), tensors)
    answer = inference.send(question)
    assert code.encode() not in answer.body
    error = question.open(answer).said["error"]
    assert isinstance(error, dict)
    assert error["code"] == code
    assert said in str(error["message"])


@pytest.mark.parametrize(
    ("outputs", "code"),
    [
        (["z"], "UnknownOutput"),
        ([], "UnknownOutput"),
        (["y", "y"], "UnknownOutput"),
        ("y", "InvalidTensors"),
        ([1], "InvalidTensors"),
    ],
)
def test_outputs_are_chosen_by_their_names(
    inference: Inference, outputs: list[object], code: str
) -> None:
    question = ask(_told(inference), X, outputs=outputs)  # type: ignore[arg-type] # wrong on purpose
    error = question.open(inference.send(question)).said["error"]
    assert isinstance(error, dict)
    assert error["code"] == code


def test_what_is_sealed_is_tensors(inference: Inference) -> None:
    question = seal(_told(inference), b"not tensors at all")
    error = question.open(inference.send(question)).said["error"]
    assert isinstance(error, dict)
    assert error["code"] == "InvalidTensors"


def test_members_bound_how_much_is_asked_at_once() -> None:
    inference = Inference.open()
    inference.install(scaling(), elements_max=6)
    told = inference.key()
    for rows, said in ((2, {}), (3, "TooManyElements")):
        question = ask(told, {"x": np.zeros((rows, 3), np.float32)})
        error = question.open(inference.send(question)).said.get("error", {})
        assert isinstance(error, dict)
        assert error.get("code", {}) == said


def test_no_evidence_is_given_in_the_clear_for_a_model_that_is_not_there(
    inference: Inference,
) -> None:
    for path, refusal in {
        "/app/models/none/key": (404, "ModelNotFound"),
        "/app/models/scale/key?version=9&x": (404, "ModelNotFound"),
    }.items():
        joint = "&" if "?" in path else "?"
        nonce = base64.b16encode(bytes(32)).decode()
        refused = inference.ann.get(f"{path}{joint}nonce={nonce}")
        assert _refusal(refused) == refusal
