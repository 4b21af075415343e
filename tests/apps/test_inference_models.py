"""Models: members vote on a digest, and nothing else is ever installed."""

import secrets
from typing import Any

import numpy as np
import pytest

from apps.inference import models
from apps.inference.limits import (
    CHUNK_BYTES,
    ELEMENTS_MAX,
    MODEL_BYTES_MAX,
    SESSIONS_MAX,
)
from apps.inference.messages import Purpose
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.errors import ServiceError
from ccfpy.crypto.aead import seal_blob
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.testing.apps import Answer, NotAccepted
from tests.apps.inference_kit import (
    Inference,
    ask,
    register,
    row,
    scaling,
    seal,
)

CONTENT = "/app/models/scale/1/content"
X = {"x": row(1, 2, 3)}


def _states(inference: Inference) -> dict[tuple[str, int], str]:
    listed: Any = inference.ann.get("/app/models").object()["models"]
    return {(each["name"], each["version"]): each["state"] for each in listed}


def _refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.error


def test_a_model_is_awaited_and_then_ready() -> None:
    inference = Inference.open()
    inference.register(scaling())
    assert _states(inference) == {("scale", 1): "awaited"}
    assert _refusal(inference.ann.get("/app/models/scale/key?nonce=")) == (
        404,
        "ModelNotFound",
    )
    inference.upload(scaling()).raise_for_error()
    listed: Any = inference.ann.get("/app/models").object()["models"]
    assert listed == [
        {
            "name": "scale",
            "version": 1,
            "sha256": sha256_hex(scaling()),
            "state": "ready",
            "inputs": [{"name": "x", "type": "float32", "shape": [None, 3]}],
            "outputs": [{"name": "y", "type": "float32", "shape": [None, 3]}],
        }
    ]


def test_what_members_did_not_vote_for_is_not_installed() -> None:
    inference = Inference.open()
    inference.register(scaling(2.0))
    refused = inference.upload(scaling(3.0))
    assert _refusal(refused) == (409, "ModelHashMismatch")
    assert sha256_hex(scaling(3.0)) in refused.message
    assert _states(inference) == {("scale", 1): "awaited"}
    inference.upload(scaling(2.0)).raise_for_error()
    assert _states(inference) == {("scale", 1): "ready"}


def test_a_model_that_was_not_voted_for_is_not_even_taken() -> None:
    inference = Inference.open()
    refused = inference.owner.put(f"{CONTENT}/0", scaling())
    assert _refusal(refused) == (404, "ModelNotFound")


def test_the_user_whom_members_named_brings_the_model() -> None:
    inference = Inference.open()
    inference.register(scaling())
    for attempt in (
        inference.ann.put(f"{CONTENT}/0", scaling()),
        inference.ann.post(CONTENT),
        inference.ann.put("/app/models/scale/1/content-key", b""),
        inference.ann.get("/app/models/scale/1/content-key?nonce="),
    ):
        assert _refusal(attempt) == (403, "AuthorizationFailed")
    assert inference.service.anybody.put(f"{CONTENT}/0", scaling()).status == 401


def test_a_chunk_has_its_place_and_size() -> None:
    inference = Inference.open()
    content = bytes(CHUNK_BYTES + 1)
    inference.register(content)
    for index, data, said in (
        (0, content[:-2], f"Chunk 0 has {CHUNK_BYTES} bytes, not {CHUNK_BYTES - 1}."),
        (0, content, f"Chunk 0 has {CHUNK_BYTES} bytes, not {CHUNK_BYTES + 1}."),
        (1, b"", "Chunk 1 has 1 bytes, not 0."),
        (2, b"x", "The model scale/1 has 2 chunks."),
    ):
        refused = inference.owner.put(f"{CONTENT}/{index}", data)
        assert _refusal(refused) == (400, "InvalidChunk")
        assert refused.message == said
    inference.owner.put(f"{CONTENT}/1", b"\0").raise_for_error()
    refused = inference.owner.post(CONTENT)
    assert _refusal(refused) == (409, "ModelIncomplete")
    assert refused.message == "Chunks are missing: 0."


def test_what_is_installed_stays_as_it_is() -> None:
    inference = Inference.scaling()
    refused = inference.owner.put(f"{CONTENT}/0", scaling())
    assert _refusal(refused) == (409, "ModelInstalled")
    assert inference.owner.post(CONTENT).status == 200


def test_what_is_no_model_is_refused_without_a_word_of_it() -> None:
    inference = Inference.open()
    junk = b"a secret recipe, and no model"
    inference.register(junk)
    refused = inference.upload(junk)
    assert _refusal(refused) == (400, "ModelRefused")
    assert "recipe" not in refused.text
    assert _states(inference) == {("scale", 1): "awaited"}


def test_the_newest_version_that_is_ready_is_the_one_to_use() -> None:
    inference = Inference.scaling()
    inference.register(scaling(3.0), version=2)
    assert inference.key()["model_version"] == 1
    inference.upload(scaling(3.0), version=2).raise_for_error()
    inference.install(scaling(4.0), version=10)
    told = inference.key()
    assert told["model_version"] == 10
    question = ask(told, X)
    opened = question.open(inference.send(question, version=10))
    np.testing.assert_array_equal(opened.tensors["y"], row(4, 8, 12))


def test_a_retired_model_answers_no_more_and_the_one_before_does() -> None:
    inference = Inference.scaling()
    inference.install(scaling(3.0), version=2)
    question = ask(inference.key(), X)
    inference.retire("scale", 2)
    assert _refusal(inference.send(question, version=2)) == (410, "ModelRetired")
    assert _refusal(inference.owner.post("/app/models/scale/2/content")) == (
        410,
        "ModelRetired",
    )
    assert _states(inference)["scale", 2] == "retired"
    assert inference.key()["model_version"] == 1


def test_the_content_of_a_retired_model_can_be_removed() -> None:
    inference = Inference.scaling()
    assert _refusal(inference.owner.delete(CONTENT)) == (409, "ModelInUse")
    inference.retire("scale", 1)
    assert _refusal(inference.ann.delete(CONTENT)) == (403, "AuthorizationFailed")
    assert inference.owner.delete(CONTENT).status == 204


@pytest.mark.parametrize("nodes", [1, 3])
def test_an_encrypted_model_is_locked_until_its_owner_seals_its_key(nodes: int) -> None:
    inference = Inference.open(nodes=nodes)
    content_key = secrets.token_bytes(32)
    encrypted = seal_blob(content_key, scaling(), iv=bytes(12))
    voted: JsonObject = {"sha256": sha256_hex(encrypted), "size": len(encrypted)}
    inference.install_locked(scaling(), encrypted, voted)
    assert _states(inference) == {("scale", 1): "locked"}
    refused = inference.ann.get(f"/app/models/scale/key?nonce={'00' * 32}&version=1")
    assert _refusal(refused) == (409, "ModelNotReady")

    path = "/app/models/scale/1/content-key"
    told = inference.owner.get(f"{path}?nonce={'00' * 32}").object()
    for key, status, code in (
        (secrets.token_bytes(32), 400, "InvalidContentKey"),
        (content_key[:16], 400, "InvalidContentKey"),
    ):
        sealed = seal(told, key, Purpose.CONTENT_KEY)
        assert _refusal(inference.owner.put(path, sealed.body)) == (status, code)
    sealed = seal(told, content_key, Purpose.CONTENT_KEY)
    assert inference.owner.put(path, sealed.body).status == 204
    inference.service.wait_committed()
    for node in inference.service.nodes:
        caller = inference.ann.at(node)
        question = ask(inference.key(caller=caller), X)
        opened = question.open(inference.send(question, caller=caller))
        np.testing.assert_array_equal(opened.tensors["y"], row(2, 4, 6))


def test_a_key_that_opens_another_model_unlocks_nothing() -> None:
    inference = Inference.open()
    content_key = secrets.token_bytes(32)
    encrypted = seal_blob(content_key, scaling(3.0), iv=bytes(12))
    voted: JsonObject = {"sha256": sha256_hex(encrypted), "size": len(encrypted)}
    inference.install_locked(scaling(2.0), encrypted, voted)
    path = "/app/models/scale/1/content-key"
    told = inference.owner.get(f"{path}?nonce={'00' * 32}").object()
    sealed = seal(told, content_key, Purpose.CONTENT_KEY)
    refused = inference.owner.put(path, sealed.body)
    assert _refusal(refused) == (409, "ModelHashMismatch")
    assert _states(inference) == {("scale", 1): "locked"}


def test_a_model_in_the_clear_needs_no_key() -> None:
    inference = Inference.scaling()
    sealed = seal(inference.key(), bytes(32), Purpose.CONTENT_KEY)
    refused = inference.owner.put("/app/models/scale/1/content-key", sealed.body)
    assert _refusal(refused) == (409, "ModelNotEncrypted")


def test_there_is_no_key_before_the_first_model() -> None:
    inference = Inference.open()
    refused = inference.service.member().post("/app/channel/roll")
    assert _refusal(refused) == (503, "KeyNotMade")


WRONG: dict[str, tuple[dict[str, Json], str]] = {
    "name": ({"name": "Scale"}, "name must be"),
    "name too long": ({"name": "a" * 33}, "name must be"),
    "name of a path": ({"name": "a/b"}, "name must be"),
    "version": ({"version": 0}, "version must be greater than 1"),
    "fraction": ({"version": 1.5}, "version must be an integer"),
    "digest": ({"sha256": "AB" * 32}, "sha256 must be 64 digits"),
    "no digest": ({"sha256": None}, "sha256 must be of type string"),
    "no size": ({"size": 0}, "size must be greater than 1"),
    "size": (
        {"size": MODEL_BYTES_MAX + 1},
        f"size must be lower than {MODEL_BYTES_MAX}",
    ),
    "uploader": ({"uploader": "owner"}, "uploader must contain exactly 64"),
    "access": ({"access": "nobody"}, "access must be one of"),
    "elements": ({"elements_max": ELEMENTS_MAX + 1}, "elements_max must be lower"),
    "no elements": ({"elements_max": 0}, "elements_max must be greater"),
    "encrypted": ({"encrypted": "yes"}, "encrypted must be of type object"),
    "encrypted digest": (
        {"encrypted": {"sha256": "", "size": 1}},
        "encrypted.sha256 must be 64 digits",
    ),
    "encrypted size": (
        {"encrypted": {"sha256": "ab" * 32, "size": 1}},
        "encrypted.size must be the model's and 28 more",
    ),
}


@pytest.fixture(scope="module")
def inference() -> Inference:
    """A service with a model."""
    return Inference.scaling()


@pytest.mark.parametrize(("changed", "said"), WRONG.values(), ids=WRONG.keys())
def test_members_cannot_register_what_is_no_model(
    inference: Inference, changed: dict[str, Json], said: str
) -> None:
    action = register(scaling(), inference.owner.id, "other")
    args = action["args"]
    assert isinstance(args, dict)
    with pytest.raises(ServiceError, match=said):
        inference.service.decide({"name": action["name"], "args": args | changed})


def test_the_greatest_model_can_be_registered(inference: Inference) -> None:
    action = register(scaling(), inference.owner.id, "a" * 32, 2**53 - 1)
    args = action["args"]
    assert isinstance(args, dict)
    args["size"], args["elements_max"] = MODEL_BYTES_MAX, ELEMENTS_MAX
    inference.service.decide(action)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (register(scaling(), "ab" * 32), "Model scale/1 is registered already"),
        (
            {"name": "retire_inference_model", "args": {"name": "none", "version": 1}},
            "No model none/1",
        ),
    ],
)
def test_what_was_registered_is_not_changed(
    inference: Inference, action: JsonObject, said: str
) -> None:
    with pytest.raises((ServiceError, NotAccepted), match=f"{said}|Failed"):
        inference.service.decide(action)
    assert _states(inference)["scale", 1] == "ready"


@pytest.mark.parametrize("seconds", [0, 2**31, "1", None])
def test_a_keys_lifetime_is_some_seconds(inference: Inference, seconds: Json) -> None:
    args: JsonObject = {"seconds": seconds}
    with pytest.raises(ServiceError, match="seconds must be"):
        inference.service.decide({"name": "set_inference_key_lifetime", "args": args})


def test_a_node_keeps_so_many_models_ready_and_loads_the_others_again() -> None:
    inference = Inference.open()
    factors = [float(10 + number) for number in range(SESSIONS_MAX + 1)]
    for version, factor in enumerate(factors, start=1):
        inference.install(scaling(factor), version=version)
    assert len(models._sessions) == SESSIONS_MAX
    assert sha256_hex(scaling(factors[0])) not in models._sessions
    for version, factor in enumerate(factors, start=1):
        question = ask(inference.key(version=version), X)
        opened = question.open(inference.send(question, version=version))
        np.testing.assert_array_equal(opened.tensors["y"], X["x"] * np.float32(factor))
        assert len(models._sessions) == SESSIONS_MAX
