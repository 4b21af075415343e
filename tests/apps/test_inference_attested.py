"""From a model's file to a verified answer, by a policy in a file, on attested nodes.

The nodes run on a simulated machine, in the test's own thread. A how-to does the same
with an image, in containers (``docs/howto/deploy-confidential-inference.md``).
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from apps.inference.client import InferenceClient, Scores, registration, upload
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.attested import EvidenceFault, EvidenceRefused
from ccfpy.client.evidence_policy import policy_like, read_policy
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.testing.apps import AttestedMachine
from tests.apps.inference_kit import (
    Inference,
    magika_input,
    magika_labels,
    magika_model,
    row,
    scaling,
)
from tests.apps.test_inference_client import Carried, run

MACHINE = AttestedMachine(code=b"node with inference")
NAME = "scale"
Ask = Callable[[JsonObject], Scores]


@pytest.fixture(scope="module")
def inference(tmp_path_factory: pytest.TempPathFactory) -> Inference:
    """Open a service on the machine, and bring a model's file as its owner does."""
    inference = Inference.open(machine=MACHINE)
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    file.write_bytes(scaling())
    bring(inference, file)
    return inference


def bring(inference: Inference, file: Path, name: str = NAME) -> None:
    """Register a model by its members' votes, and upload its file."""
    content = file.read_bytes()
    action = registration(content, name=name, version=1, uploader=inference.owner.id)
    inference.service.decide(action)
    run(upload(Carried(inference.owner), name, 1, content))


@pytest.fixture
def carried(inference: Inference) -> Carried:
    """Return all that is between a user and the service."""
    return Carried(inference.ann)


@pytest.fixture
def ask(inference: Inference, carried: Carried, tmp_path: Path) -> Ask:
    """Ask by a policy that has been written down, with some fields changed."""

    def ask_by(changed: JsonObject) -> Scores:
        written = policy_like(MACHINE.platform.attest(bytes(32), host_data=bytes(32)))
        entry = written["simulated"]
        assert isinstance(entry, dict)
        file = tmp_path / "policy.json"
        file.write_text(json.dumps({"simulated": entry | changed}))
        client = InferenceClient(
            carried,
            NAME,
            read_policy(file.read_bytes()),
            digests=[sha256_hex(scaling())],
            now_s=lambda: inference.service.now_s,
        )
        return run(client.score({"x": row(1, 2, 3)}))

    return ask_by


def test_an_answer_is_verified_from_the_models_file_on(ask: Ask) -> None:
    scores = ask({})
    assert scores.outputs["y"].tolist() == [[2.0, 4.0, 6.0]]
    assert scores.model_sha256 == sha256_hex(scaling())


REFUSED: dict[str, tuple[dict[str, Json], EvidenceFault, str]] = {
    "measurement": (
        {"measurements": ["00" * 32]},
        EvidenceFault.UNKNOWN_CODE,
        sha256(MACHINE.code).hex(),
    ),
    "host data": (
        {"host_data": ["11" * 32]},
        EvidenceFault.UNKNOWN_HOST_DATA,
        "00" * 32,
    ),
    "firmware": (
        {"minimum_tcb": "0201010101010101"},
        EvidenceFault.OLD_FIRMWARE,
        "expected part 0 at 2 or later, found 1",
    ),
    "vendor": (
        {"vendors": ["22" * 32]},
        EvidenceFault.UNKNOWN_VENDOR,
        "expected " + "22" * 32,
    ),
    "signer": (
        {"signers": ["33" * 32]},
        EvidenceFault.UNKNOWN_SIGNER,
        sha256(MACHINE.signer).hex(),
    ),
    "version": (
        {"security_version": 2},
        EvidenceFault.OLD_VERSION,
        "expected 2 or later, found 1",
    ),
}


@pytest.mark.parametrize(
    ("changed", "fault", "told"), REFUSED.values(), ids=REFUSED.keys()
)
def test_a_node_that_the_policy_does_not_describe_is_sent_nothing(
    ask: Ask,
    carried: Carried,
    changed: dict[str, Json],
    fault: EvidenceFault,
    told: str,
) -> None:
    with pytest.raises(EvidenceRefused, match="found ") as refused:
        ask(changed)
    assert refused.value.fault is fault
    assert told in str(refused.value)
    assert carried.questions == []


def test_evidence_of_before_an_update_of_the_machine_is_refused_after_it(
    inference: Inference, carried: Carried
) -> None:
    """The vendor's statements end: a service that goes on with old ones is refused."""
    late = InferenceClient(
        carried,
        NAME,
        MACHINE.policy,
        now_s=lambda: inference.service.now_s + 31 * 86_400,
    )
    with pytest.raises(EvidenceRefused) as refused:
        run(late.score({"x": row(1, 2, 3)}))
    assert refused.value.fault is EvidenceFault.NOT_VERIFIED
    assert carried.questions == []


@pytest.mark.slow
def test_a_real_model_says_what_kind_of_file_this_is(
    inference: Inference, tmp_path: Path
) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(magika_model())
    bring(inference, file, "magika")
    client = InferenceClient(
        Carried(inference.ann),
        "magika",
        replace(MACHINE.policy, signer_ids=[sha256(MACHINE.signer)]),
        digests=[sha256_hex(magika_model())],
        now_s=lambda: inference.service.now_s,
    )
    scores = run(client.score(magika_input(Path(__file__).read_bytes())))
    (values,) = scores.outputs["target_label"]
    assert magika_labels()[int(values.argmax())] == "python"
