"""CCF's own package verifies the receipt of an answer that a model gave on record."""

from apps.inference.messages import Purpose, Record
from ccfpy.base import json
from ccfpy.crypto.hashing import sha256
from tests.apps.inference_kit import Inference, ask, row, scaling
from tests.interop.environments import Tools


def test_the_receipt_of_an_answer_verifies_with_its_record_alone(tools: Tools) -> None:
    inference = Inference.scaling()
    question = ask(inference.key(), {"x": row(1, 2, 3)}, Purpose.RECORD)
    answer = inference.send(question, verb="record")
    record = Record.of(
        model=sha256(scaling()).hex(),
        salt=question.sealed.salt,
        question=question.plaintext,
        answer=question.open_bytes(answer),
    )
    receipt = inference.service.receipt(answer).to_json()
    parts = receipt["leaf_components"]
    assert isinstance(parts, dict)
    # Whoever verifies puts in what the record digests to, whatever the receipt says.
    parts["claims_digest"] = sha256(record.text()).hex()
    told = {
        "receipts": [receipt],
        "service_certificate": inference.service.certificate,
        "time": inference.service.now.replace(tzinfo=None).isoformat(),
    }
    tools.answer("check_receipts.py", stdin=json.dumps(told))
    parts["claims_digest"] = sha256(record.text() + b" ").hex()
    assert tools.program("check_receipts.py", stdin=json.dumps(told)).returncode
