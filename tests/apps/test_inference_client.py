"""The client: it seals nothing before it has seen evidence, and believes no carrier.

The carrier is everything between: each test makes it lie in one way.
"""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import pytest

from apps.inference.client import (
    InferenceClient,
    OtherModel,
    QuestionRefused,
    Scores,
    registration,
    unlock,
    upload,
)
from ccfpy.app import TxId, VerificationFailed, app_report_data, key_binding
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.base.json import JsonObject, dumps
from ccfpy.base.ports import Attestation
from ccfpy.client.attested import (
    EvidenceFault,
    EvidenceRefused,
    Expected,
    SnpPolicy,
)
from ccfpy.client.errors import ServiceError
from ccfpy.client.requests import Reply
from ccfpy.crypto.aead import seal_blob
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.testing.apps import Caller
from tests.apps.inference_kit import Inference, row, scaling
from tests.unit.attestation.simulation import ENCLAVE, HOST_DATA, MACHINE, NOW, VENDOR
from tests.unit.client.test_snp_policy import ENDORSED, RELEASE, made

T = TypeVar("T")
X = {"x": row(1, 2, 3)}
VIRTUAL = Expected(allows_virtual=True)
SIMULATED = Expected(vendor_ids=[VENDOR.vendor_id], signer_ids=[ENCLAVE.signer_id])
Lie = Callable[[str, Reply], Reply]


def run(work: Coroutine[None, None, T]) -> T:
    """Wait for the result."""
    return asyncio.run(work)


@dataclass
class Carried:
    """Carries requests to a service in the test's own thread.

    Attributes:
        lies: changes to the answers to requests whose path has this ending.
        sent: every request.
    """

    caller: Caller
    lies: dict[str, Lie] = field(default_factory=dict)
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request."""
        content = dumps(json) if body is None and json is not None else body or b""
        self.sent.append((method, path, content))
        reply: Reply = self.caller.request(method, path, content, headers=headers)
        for ending, lie in self.lies.items():
            if path.partition("?")[0].endswith(ending) and not reply.is_error:
                reply = lie(path, reply)
        return reply

    async def wait_committed(self, txid: TxId) -> None:
        """Return at once: tests read the applied state."""
        del txid

    @property
    def questions(self) -> list[bytes]:
        """Return the bytes that were sealed and sent."""
        return [
            body for _, path, body in self.sent if path.endswith(("score", "record"))
        ]


@pytest.fixture(scope="module")
def inference() -> Inference:
    """A service with a model."""
    return Inference.scaling()


@pytest.fixture
def carried(inference: Inference) -> Carried:
    """An honest carrier."""
    return Carried(inference.ann)


def _client(carried: Carried, expected: Expected = VIRTUAL) -> InferenceClient:
    return InferenceClient(carried, "scale", expected, now_s=lambda: NOW)


def _told(change: Callable[[JsonObject], None]) -> Lie:
    """Change the content of a reply in JSON."""

    def lie(_: str, reply: Reply) -> Reply:
        fields = reply.object()
        change(fields)
        return replace(reply, body=dumps(fields))

    return lie


def _expect(scores: Scores, *values: float) -> None:
    np.testing.assert_array_equal(scores.outputs["y"], row(*values))


def test_a_key_is_asked_for_once_and_used_again(carried: Carried) -> None:
    client = _client(carried)
    for _ in range(3):
        _expect(run(client.score(X)), 2, 4, 6)
    assert sum("/key?" in path for _, path, _ in carried.sent) == 1


def test_an_answer_names_its_model(carried: Carried) -> None:
    scores = run(_client(carried).score(X))
    assert (scores.model_version, scores.model_sha256) == (1, sha256_hex(scaling()))
    assert scores.proof is None


def test_an_answer_on_record_comes_with_its_proof(
    inference: Inference, carried: Carried
) -> None:
    scores = run(_client(carried).record(X))
    _expect(scores, 2, 4, 6)
    proof = scores.proof
    assert proof is not None
    claimed = sha256(proof.record.text())
    inference.service.receipt(proof.txid, claims_digest=claimed)


def test_what_is_wrong_with_a_question_is_raised(carried: Carried) -> None:
    with pytest.raises(QuestionRefused, match="not \\[1, 2\\]") as refused:
        run(_client(carried).score({"x": row(1, 2)}))
    assert refused.value.code == "WrongTensorShape"


# Keys and models come and go


def _roll(inference: Inference, times: int = 1) -> None:
    for _ in range(times):
        inference.service.member().post("/app/channel/roll").raise_for_error()


def test_a_key_that_is_gone_is_asked_for_again_once(
    inference: Inference, carried: Carried
) -> None:
    client = _client(carried)
    run(client.score(X))
    _roll(inference, 2)
    _expect(run(client.score(X)), 2, 4, 6)
    assert sum("/key?" in path for _, path, _ in carried.sent) == 2


def test_an_outdated_key_is_replaced_before_it_is_gone(
    inference: Inference, carried: Carried
) -> None:
    client = _client(carried)
    run(client.score(X))
    _roll(inference)
    run(client.score(X))
    run(client.score(X))
    assert len(carried.questions) == 3
    assert sum("/key?" in path for _, path, _ in carried.sent) == 2


def test_a_key_whose_time_is_over_is_rolled_over() -> None:
    inference = Inference.scaling()
    inference.service.decide(
        {"name": "set_inference_key_lifetime", "args": {"seconds": 60}}
    )
    inference.service.advance(61_000)
    carried = Carried(inference.ann)
    run(_client(carried).score(X))
    assert ("POST", "/app/channel/roll", b"{}") in carried.sent
    assert inference.key()["key_version"] == 2


def test_an_election_between_two_questions_costs_a_new_session_alone(
    carried: Carried,
) -> None:
    kept: list[Reply] = []

    def lose(_: str, reply: Reply) -> Reply:
        kept.append(reply)
        if len(kept) > 1:
            return reply
        error: JsonObject = {"code": "SessionConsistencyLost", "message": "lost"}
        return replace(reply, status=500, body=dumps({"error": error}))

    carried.lies["/record"] = lose
    _expect(run(_client(carried).record(X)), 2, 4, 6)
    first, second = carried.questions
    assert first != second, "each is sealed anew"


def test_a_refusal_that_no_new_key_helps_is_raised(carried: Carried) -> None:
    nobody = InferenceClient(carried, "none", VIRTUAL)
    with pytest.raises(ServiceError, match="ModelNotFound"):
        run(nobody.score(X))


def test_a_model_is_swapped_without_a_failure() -> None:
    inference = Inference.scaling()
    carried = Carried(inference.ann)
    client = _client(carried)
    _expect(run(client.score(X)), 2, 4, 6)
    inference.install(scaling(3.0), version=2)
    _expect(run(client.score(X)), 2, 4, 6)
    inference.retire("scale", 1)
    scores = run(client.score(X))
    _expect(scores, 3, 6, 9)
    assert scores.model_version == 2
    assert len(carried.questions) == 4


def test_who_named_the_model_is_not_given_another() -> None:
    inference = Inference.scaling()
    inference.install(scaling(3.0), version=2)
    carried = Carried(inference.ann)
    named = InferenceClient(
        carried, "scale", VIRTUAL, digests=[sha256_hex(scaling(2.0))]
    )
    with pytest.raises(OtherModel):
        run(named.score(X))
    assert carried.questions == []
    first = InferenceClient(carried, "scale", VIRTUAL, version=1)
    _expect(run(first.score(X)), 2, 4, 6)


# Evidence first


def _refused(carried: Carried, expected: Expected) -> EvidenceFault:
    """Ask, and check that nothing was sealed."""
    with pytest.raises(EvidenceRefused) as refusal:
        run(_client(carried, expected).score(X))
    assert carried.questions == []
    return refusal.value.fault


def test_a_claim_that_anybody_could_write_is_not_taken(carried: Carried) -> None:
    assert _refused(carried, SIMULATED) is EvidenceFault.PLATFORM


def _attested(enclave: EnclaveIdentity = ENCLAVE) -> Lie:
    """Return evidence of a simulated machine for the same key and enclave."""
    return _vouched(
        lambda bound: MACHINE.attest(
            enclave, report_data=app_report_data(bound), host_data=HOST_DATA
        )
    )


def _vouched(attest: Callable[[bytes], Attestation]) -> Lie:
    """Return evidence of another machine for the same key."""

    def lie(path: str, reply: Reply) -> Reply:
        fields = reply.object()
        version = fields["key_version"]
        assert isinstance(version, int)
        bound = key_binding(
            nonce=bytes.fromhex(path.partition("nonce=")[2][:64]),
            public_key=bytes.fromhex(str(fields["public_key"])),
            key_version=version,
            subject=bytes.fromhex(str(fields["model_sha256"])),
        )
        evidence = attest(bound)
        fields["evidence"] = {
            "format": evidence.format,
            "quote": base64.b64encode(evidence.quote).decode(),
            "endorsements": base64.b64encode(evidence.endorsements).decode(),
            "uvm_endorsements": base64.b64encode(
                evidence.uvm_endorsements or b""
            ).decode()
            or None,
        }
        return replace(reply, body=dumps(fields))

    return lie


def test_an_enclave_on_a_machine_that_is_known_is_taken(carried: Carried) -> None:
    carried.lies["/key"] = _attested()
    _expect(run(_client(carried, SIMULATED).score(X)), 2, 4, 6)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"debug": True}, EvidenceFault.DEBUG),
        ({"signer_id": b"\x09" * 32}, EvidenceFault.UNKNOWN_SIGNER),
    ],
    ids=["debug", "another signer"],
)
def test_another_enclave_is_sent_nothing(
    carried: Carried, changed: dict[str, bytes | bool], fault: EvidenceFault
) -> None:
    other = replace(ENCLAVE, **changed)  # type: ignore[arg-type] # each has its type
    carried.lies["/key"] = _attested(other)
    assert _refused(carried, SIMULATED) is fault


def _on_snp(bound: bytes) -> Attestation:
    """Return evidence of a guest on SEV-SNP in Microsoft's utility VM."""
    return made({0x050: app_report_data(bound)})


def test_a_guest_on_snp_that_the_policy_describes_is_asked(carried: Carried) -> None:
    carried.lies["/key"] = _vouched(_on_snp)
    _expect(run(_client(carried, Expected(snp=ENDORSED)).score(X)), 2, 4, 6)


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (replace(ENDORSED, host_data=[bytes(32)]), EvidenceFault.UNKNOWN_HOST_DATA),
        (
            replace(ENDORSED, uvm_endorsements=[replace(RELEASE, svn="104")]),
            EvidenceFault.UNKNOWN_RELEASE,
        ),
        (
            replace(ENDORSED, minimum_tcb={"00a00f11": "dc18000000000004"}),
            EvidenceFault.OLD_FIRMWARE,
        ),
    ],
    ids=["host data", "release", "firmware"],
)
def test_another_guest_on_snp_is_sent_nothing(
    carried: Carried, policy: SnpPolicy, fault: EvidenceFault
) -> None:
    carried.lies["/key"] = _vouched(_on_snp)
    assert _refused(carried, Expected(snp=policy)) is fault


def test_a_report_that_is_bound_to_another_key_is_sent_nothing(
    carried: Carried,
) -> None:
    carried.lies["/key"] = _vouched(lambda _: _on_snp(b"another key"))
    assert _refused(carried, Expected(snp=ENDORSED)) is EvidenceFault.OTHER_BINDING


def test_evidence_of_before_is_stale(carried: Carried) -> None:
    kept: list[Reply] = []

    def repeat(_: str, reply: Reply) -> Reply:
        kept.append(reply)
        return kept[0]

    carried.lies["/key"] = repeat
    run(_client(carried).score(X))
    carried.sent.clear()
    assert _refused(carried, VIRTUAL) is EvidenceFault.OTHER_BINDING


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(public_key="11" * 32),
        lambda fields: fields.update(key_version=7),
        lambda fields: fields.update(model_sha256="22" * 32),
    ],
    ids=["key", "version", "model"],
)
def test_what_evidence_is_not_bound_to_is_not_believed(
    carried: Carried, change: Callable[[JsonObject], None]
) -> None:
    carried.lies["/key"] = _told(change)
    assert _refused(carried, VIRTUAL) is EvidenceFault.OTHER_BINDING


# Answers


def test_no_bit_of_an_answer_can_be_flipped(carried: Carried) -> None:
    for place in (0, 31, 32, 60, -17, -1):

        def flip(_: str, reply: Reply, place: int = place) -> Reply:
            body = bytearray(reply.body)
            body[place] ^= 1
            return replace(reply, body=bytes(body))

        carried.lies["/score"] = flip
        with pytest.raises(VerificationFailed):
            run(_client(carried).score(X))


def test_an_answer_to_another_question_is_not_taken(carried: Carried) -> None:
    kept: list[Reply] = []

    def swap(_: str, reply: Reply) -> Reply:
        kept.append(reply)
        return kept[0]

    carried.lies["/score"] = swap
    client = _client(carried)
    run(client.score(X))
    with pytest.raises(VerificationFailed):
        run(client.score({"x": row(4, 5, 6)}))


def test_an_answer_of_another_model_is_not_taken(inference: Inference) -> None:
    """The service itself might run another model: its answers would not open."""
    other = Inference.open()
    other.install(scaling(5.0))
    theirs = Carried(other.ann)
    mine = Carried(inference.ann)

    def ask_elsewhere(path: str, _: Reply) -> Reply:
        body = mine.questions[-1]
        reply: Reply = theirs.caller.post(path, body)
        return reply

    mine.lies["/score"] = ask_elsewhere
    with pytest.raises(ServiceError, match="ModelMismatch"):
        run(_client(mine).score(X))


# A model's owner


def test_an_owner_registers_brings_and_unlocks_a_model() -> None:
    inference = Inference.open()
    content_key = bytes(range(32))
    encrypted = seal_blob(content_key, scaling(), iv=bytes(12))
    action = registration(
        scaling(),
        name="scale",
        version=1,
        uploader=inference.owner.id,
        encrypted=encrypted,
        access="anybody",
    )
    inference.service.decide(action)
    owner = Carried(inference.owner)
    run(upload(owner, "scale", 1, encrypted))
    run(unlock(owner, "scale", 1, content_key, VIRTUAL))
    anybody = Carried(inference.service.anybody)
    _expect(run(_client(anybody).score(X)), 2, 4, 6)


def test_a_models_key_is_not_given_to_an_unknown_enclave() -> None:
    inference = Inference.open()
    encrypted = seal_blob(bytes(32), scaling(), iv=bytes(12))
    inference.install_locked(
        scaling(),
        encrypted,
        {"sha256": sha256_hex(encrypted), "size": len(encrypted)},
    )
    owner = Carried(inference.owner)
    with pytest.raises(EvidenceRefused):
        run(unlock(owner, "scale", 1, bytes(32), SIMULATED))
    assert [method for method, _, _ in owner.sent] == ["GET"]
