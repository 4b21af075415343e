"""Confidential inference as its users see it: ask, seal, open."""

import numpy as np
import pytest

from apps.inference.limits import CHUNK_BYTES, ELEMENTS_MAX, MIB, REQUEST_BYTES_MAX
from apps.inference.messages import CONTENT_TYPE, Purpose, Record
from ccfpy.attestation.report_data import app_report_data
from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.sealed_exchange import key_binding
from tests.apps.inference_kit import (
    ROOT,
    Inference,
    ask,
    magika_input,
    magika_labels,
    magika_model,
    report_data_of,
    row,
    scaling,
)
from tests.unit.endpoints.test_openapi import check


def test_a_sealed_question_has_a_sealed_answer() -> None:
    inference = Inference.scaling()
    question = ask(inference.key(), {"x": row(1, 2, 3)})
    answer = inference.send(question)
    assert answer.headers["content-type"] == CONTENT_TYPE
    opened = question.open(answer)
    np.testing.assert_array_equal(opened.tensors["y"], row(2, 4, 6))
    assert opened.said == {}


def test_a_real_model_tells_what_a_file_is() -> None:
    inference = Inference.open()
    assert len(magika_model()) > 6 * CHUNK_BYTES
    inference.install(magika_model(), name="magika")
    told = inference.key("magika")
    for name, label in {
        "engine.py": "python",
        "constitution/actions.js": "javascript",
    }.items():
        content = (ROOT / "apps" / "inference" / name).read_bytes()
        question = ask(told, magika_input(content))
        opened = question.open(inference.send(question, "magika"))
        (scores,) = opened.tensors["target_label"]
        assert magika_labels()[scores.argmax()] == label
        assert scores.max() > 0.9


def test_many_rows_are_asked_at_once() -> None:
    rows = np.arange(300, dtype=np.float32).reshape(100, 3)
    opened = Inference.scaling().score({"x": rows})
    np.testing.assert_array_equal(opened.tensors["y"], 2 * rows)


@pytest.mark.slow
@pytest.mark.parametrize("elements", [3 * MIB // 4, ELEMENTS_MAX // 3 * 3])
@pytest.mark.parametrize("verb", ["score", "record"])
def test_an_input_may_be_as_large_as_the_elements_that_may_be(
    elements: int, verb: str
) -> None:
    rows = np.arange(elements, dtype=np.float32).reshape(-1, 3)
    inference = Inference.scaling(nodes=3)
    purpose = Purpose.SCORE if verb == "score" else Purpose.RECORD
    for node in inference.service.nodes:
        question = ask(inference.key(), {"x": rows}, purpose)
        assert HTTP_BODY_BYTES_MAX < len(question.body) <= REQUEST_BYTES_MAX
        answer = inference.send(question, caller=inference.ann.at(node), verb=verb)
        np.testing.assert_array_equal(question.open(answer).tensors["y"], 2 * rows)


@pytest.mark.slow
@pytest.mark.parametrize(("over", "status"), [(0, 400), (1, 413)])
def test_a_request_may_be_so_long_and_no_longer(over: int, status: int) -> None:
    inference = Inference.scaling()
    body = bytes(REQUEST_BYTES_MAX + over)
    answer = inference.ann.post("/app/models/scale/1/score", body)
    assert answer.status == status
    if over:
        assert answer.error == "RequestBodyTooLarge"
        assert answer.message.endswith(f"(max size allowed: {REQUEST_BYTES_MAX})")


def test_a_key_is_bound_to_evidence_of_nonce_key_and_model() -> None:
    inference = Inference.scaling()
    nonce = bytes(range(32))
    told = inference.key(nonce=nonce.hex())
    assert told["model_sha256"] == sha256(scaling()).hex()
    bound = key_binding(
        nonce=nonce,
        public_key=bytes.fromhex(str(told["public_key"])),
        key_version=1,
        subject=sha256(scaling()),
    )
    assert report_data_of(told) == app_report_data(bound)


@pytest.mark.parametrize("nonce", ["", "00", "zz" * 32, "00" * 33])
def test_a_nonce_has_its_length(nonce: str) -> None:
    inference = Inference.scaling()
    refused = inference.ann.get(f"/app/models/scale/key?nonce={nonce}")
    assert (refused.status, refused.error) == (400, "InvalidQueryParameterValue")


def test_an_answer_on_record_has_a_receipt_for_question_answer_and_model() -> None:
    inference = Inference.scaling()
    question = ask(inference.key(), {"x": row(1, 2, 3)}, Purpose.RECORD)
    answer = inference.send(question, verb="record")
    record = Record.of(
        model=sha256(scaling()).hex(),
        salt=question.sealed.salt,
        question=question.plaintext,
        answer=question.open_bytes(answer),
    )
    claimed = sha256(record.text())
    inference.service.receipt(answer, claims_digest=claimed)


def test_a_key_rolls_over_and_the_one_before_still_opens() -> None:
    inference = Inference.scaling()
    first = inference.key()
    member = inference.service.member()
    rolled = member.post("/app/channel/roll").object()
    assert rolled == {"key_version": 2, "rolled": True}
    assert inference.key()["key_version"] == 2

    old = ask(first, {"x": row(1, 2, 3)})
    assert old.open(inference.send(old)).said == {"key_outdated": True}

    member.post("/app/channel/roll").raise_for_error()
    late = ask(first, {"x": row(1, 2, 3)})
    refused = inference.send(late)
    assert (refused.status, refused.error) == (409, "KeyVersionUnknown")


def test_anybody_may_have_a_new_key_once_the_last_is_old() -> None:
    inference = Inference.scaling()
    inference.service.decide(
        {"name": "set_inference_key_lifetime", "args": {"seconds": 60}}
    )
    anybody = inference.service.anybody
    assert anybody.post("/app/channel/roll").object()["rolled"] is False
    assert inference.key()["lifetime_s"] == 60
    inference.service.advance(61_000)
    assert inference.key()["lifetime_s"] == 0
    assert anybody.post("/app/channel/roll").object()["rolled"] is True


def test_records_go_with_the_key_that_they_were_asked_under() -> None:
    inference = Inference.scaling()
    question = ask(inference.key(), {"x": row(1, 2, 3)}, Purpose.RECORD)
    inference.send(question, verb="record").raise_for_error()
    member = inference.service.member()
    for _ in range(2):
        assert inference.send(question, verb="record").error == "RequestReplayed"
        member.post("/app/channel/roll").raise_for_error()
    assert inference.send(question, verb="record").error == "KeyVersionUnknown"


def test_its_openapi_document_is_one() -> None:
    inference = Inference.open()
    document = inference.service.anybody.get("/app/api").object()
    check(document)


def test_every_node_opens_what_was_sealed_to_any_nodes_word() -> None:
    inference = Inference.scaling(nodes=3)
    for asked in inference.service.nodes:
        told = inference.key(caller=inference.ann.at(asked))
        for answering in inference.service.nodes:
            question = ask(told, {"x": row(1, 2, 3)})
            answer = inference.send(question, caller=inference.ann.at(answering))
            opened = question.open(answer)
            np.testing.assert_array_equal(opened.tensors["y"], row(2, 4, 6))


def test_another_primary_goes_on_with_the_same_key() -> None:
    inference = Inference.scaling(nodes=3)
    told = inference.key()
    inference.service.kill(inference.service.wait_primary())
    primary = inference.service.wait_primary()
    question = ask(told, {"x": row(1, 2, 3)}, Purpose.RECORD)
    caller = inference.ann.at(primary)
    answer = inference.send(question, verb="record", caller=caller)
    np.testing.assert_array_equal(question.open(answer).tensors["y"], row(2, 4, 6))
