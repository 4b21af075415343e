"""A service that runs models, and a client that asks it without trusting its word.

Tests make the models from a few operators, except one model from a package on PyPI.
"""

import base64
import importlib.util
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from apps.inference import app
from apps.inference.limits import CHUNK_BYTES
from apps.inference.messages import Header, Purpose
from apps.inference.tensors import Message, Tensor
from ccfpy.base.json import Json, JsonObject, loads_object
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.crypto.sealed_exchange import SealedRequest
from ccfpy.testing.apps import Answer, AttestedMachine, Caller, Service

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "governance" / "constitutions" / "default"
CONSTITUTION = [
    DEFAULT / "actions.js",
    ROOT / "apps" / "inference" / "constitution" / "actions.js",
    DEFAULT / "validate.js",
    DEFAULT / "resolve.js",
    DEFAULT / "apply.js",
]
OWNER = "owner"
ANN = "ann"
OPSET, IR_VERSION = 17, 9


def model_of(
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[int, Sequence[int | None]]],
    outputs: Mapping[str, tuple[int, Sequence[int | None]]],
    constants: Sequence[Any] = (),
) -> bytes:
    """Make a model."""
    graph = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info(n, t, list(s)) for n, (t, s) in inputs.items()],
        [helper.make_tensor_value_info(n, t, list(s)) for n, (t, s) in outputs.items()],
        list(constants),
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="",
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@cache
def scaling(factor: float = 2.0) -> bytes:
    """Make a model that multiplies each number of a row of three by a factor."""
    return model_of(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        {"x": (TensorProto.FLOAT, [None, 3])},
        {"y": (TensorProto.FLOAT, [None, 3])},
        [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])],
    )


def magika_folder() -> Path:
    """Find the model by which Magika detects the types of files, and its labels."""
    found = importlib.util.find_spec("magika")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "models" / "standard_v3_3"


@cache
def magika_model() -> bytes:
    """Return Magika's model."""
    return (magika_folder() / "model.onnx").read_bytes()


@cache
def magika_labels() -> list[str]:
    """Return the types of files that Magika distinguishes."""
    read = loads_object((magika_folder() / "config.min.json").read_bytes())
    labels = read["target_labels_space"]
    assert isinstance(labels, list)
    return [str(label) for label in labels]


def magika_input(content: bytes, rows: int = 1) -> dict[str, Tensor]:
    """Return the first and last 1024 bytes as Magika does, missing ones as 256."""
    begin, end = content.strip()[:1024], content.strip()[-1024:]
    row = np.full(2048, 256, np.int32)
    row[: len(begin)] = list(begin)
    row[2048 - len(end) :] = list(end)
    return {"bytes": np.repeat(row[None], rows, axis=0)}


@dataclass(frozen=True)
class Question:
    """A sealed request, and the key that opens its answer."""

    sealed: SealedRequest
    body: bytes
    plaintext: bytes

    def open(self, answer: Answer) -> Message:
        """Read the answer."""
        return Message.decode(self.open_bytes(answer))

    def open_bytes(self, answer: Answer) -> bytes:
        """Open the answer."""
        return self.sealed.open_answer(answer.raise_for_error().body)


def ask(
    configuration: JsonObject,
    tensors: Mapping[str, Tensor],
    purpose: Purpose = Purpose.SCORE,
    **said: Json,
) -> Question:
    """Seal a question to a key that the service gave."""
    return seal(configuration, Message(tensors, said).encode(), purpose)


def seal(
    configuration: JsonObject, content: bytes, purpose: Purpose = Purpose.SCORE
) -> Question:
    """Seal any bytes."""
    header = header_for(configuration, purpose)
    public = bytes.fromhex(str(configuration["public_key"]))
    sealed = SealedRequest.seal(public, content, context=header)
    return Question(sealed, header + sealed.message, content)


def header_for(configuration: JsonObject, purpose: Purpose) -> bytes:
    """Return what stands in front of a request."""
    version = configuration["key_version"]
    assert isinstance(version, int)
    digest = bytes.fromhex(str(configuration["model_sha256"]))
    return Header(purpose=purpose, key_version=version, model=digest).encode()


def register(
    content: bytes, uploader: str, name: str = "scale", version: int = 1, **more: Json
) -> JsonObject:
    """Return the action that registers a model."""
    args: JsonObject = {
        "name": name,
        "version": version,
        "sha256": sha256_hex(content),
        "size": len(content),
        "uploader": uploader,
    }
    return {"name": "set_inference_model", "args": args | more}


@dataclass
class Inference:
    """A service, its model's owner, and a user who asks."""

    service: Service

    @classmethod
    def open(
        cls, *, nodes: int = 1, machine: AttestedMachine | None = None
    ) -> "Inference":
        """Open a service without models."""
        service = Service.open(
            app,
            constitution=CONSTITUTION,
            members=2,
            users={OWNER: None, ANN: None},
            nodes=nodes,
            machine=machine,
        )
        return cls(service)

    @classmethod
    def scaling(cls, *, nodes: int = 1) -> "Inference":
        """Open a service that has the smallest model."""
        inference = cls.open(nodes=nodes)
        inference.install(scaling())
        return inference

    @property
    def owner(self) -> Caller:
        """Return the participant that installs models."""
        return self.service.user(OWNER)

    @property
    def ann(self) -> Caller:
        """Return the participant that asks models."""
        return self.service.user(ANN)

    def register(
        self, content: bytes, name: str = "scale", version: int = 1, **more: Json
    ) -> None:
        """Register a model by members' votes."""
        self.service.decide(register(content, self.owner.id, name, version, **more))

    def retire(self, name: str, version: int) -> None:
        """Retire a version of a model by members' votes."""
        args: JsonObject = {"name": name, "version": version}
        self.service.decide({"name": "retire_inference_model", "args": args})

    def upload(self, content: bytes, name: str = "scale", version: int = 1) -> Answer:
        """Send a model, and install it."""
        path = f"/app/models/{name}/{version}/content"
        for index in range(-(-len(content) // CHUNK_BYTES)):
            chunk = content[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
            self.owner.put(f"{path}/{index}", chunk).raise_for_error()
        return self.owner.post(path)

    def install(
        self, content: bytes, name: str = "scale", version: int = 1, **more: Json
    ) -> None:
        """Register and send a model."""
        self.register(content, name, version, **more)
        self.upload(content, name, version).raise_for_error()
        self.service.wait_committed()

    def install_locked(
        self, content: bytes, encrypted: bytes, voted: JsonObject
    ) -> None:
        """Register a model and send it encrypted."""
        self.register(content, encrypted=voted)
        self.upload(encrypted).raise_for_error()
        self.service.wait_committed()

    def key(
        self, name: str = "scale", caller: Caller | None = None, **query: object
    ) -> JsonObject:
        """Ask for a key."""
        told = {"nonce": secrets.token_hex(32)} | query
        text = "&".join(f"{key}={value}" for key, value in told.items())
        path = f"/app/models/{name}/key?{text}"
        return (caller or self.ann).get(path).raise_for_error().object()

    def send(
        self,
        question: Question,
        name: str = "scale",
        version: int = 1,
        *,
        caller: Caller | None = None,
        verb: str = "score",
    ) -> Answer:
        """Send a question."""
        path = f"/app/models/{name}/{version}/{verb}"
        return (caller or self.ann).post(path, question.body)

    def score(self, tensors: Mapping[str, Tensor]) -> Message:
        """Ask the smallest model."""
        question = ask(self.key(), tensors)
        return question.open(self.send(question))


def report_data_of(configuration: JsonObject) -> bytes:
    """Return the data to which a virtual node's evidence is bound."""
    evidence = configuration["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["format"] == "Insecure_Virtual"
    quote = loads_object(base64.b64decode(str(evidence["quote"])))
    return base64.b64decode(str(quote["report_data"]))


def row(*values: float) -> Tensor:
    """Return one row of numbers."""
    return np.array([values], np.float32)
