"""What the command reads and writes: tensors as JSON or as NumPy's, and proofs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.inference.client import Proof
from apps.inference.messages import RECORD, Record
from apps.inference.tensors import TYPES, Message, Tensor
from ccfpy.app import Json, JsonObject, Malformed, parse_json
from ccfpy.client.errors import ClientError

RECEIPT = "receipt.json"
_RECORD = "record.json"
_SALT = "salt"
_QUESTION = "question"
_ANSWER = "answer"
ARCHIVE = ".npz"


class Unusable(ClientError):
    """A file that is not what it should be; the text says which and why."""


def read(path: Path) -> bytes:
    """Read a file.

    Raises:
        Unusable: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors by name: ``.npz``, or JSON such as ``{"x": {"type": "float32", …``.

    Raises:
        Unusable: it is neither, or not in the form.
    """
    if path.suffix == ARCHIVE:
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError) as error:
            raise Unusable(f"{path} is no archive of arrays") from error
    try:
        value = parse_json(read(path))
    except Malformed as error:
        raise Unusable(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise Unusable(f"{path} holds no tensors by name")
    return {name: _tensor(name, entry) for name, entry in value.items()}


def _tensor(name: str, entry: Json) -> Tensor:
    fields = entry if isinstance(entry, dict) else {}
    kind, data = fields.get("type"), fields.get("data")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Unusable(f"'{name}' needs a 'type', one of {', '.join(TYPES)}")
    try:
        return np.array(data, dtype=kind)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unusable(f"the 'data' of '{name}' is no array of {kind}") from error


def shown(tensors: Mapping[str, Tensor]) -> JsonObject:
    """Return tensors as JSON writes them."""
    return {
        name: {"type": tensor.dtype.name, "data": tensor.tolist()}
        for name, tensor in tensors.items()
    }


def save_proof(folder: Path, proof: Proof, receipt: bytes) -> None:
    """Write down all that shows to anybody what was asked and answered."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {
        RECEIPT: receipt,
        _RECORD: proof.record.text(),
        _SALT: proof.salt,
        _QUESTION: proof.question,
        _ANSWER: proof.answer,
    }.items():
        folder.joinpath(name).write_bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a proof's record says, the receipt apart."""

    record: Record
    question: Message
    answer: Message


def check_proof(folder: Path) -> Proved:
    """Work out the record of what was asked and answered, and compare.

    Raises:
        Unusable: it is the record of something else, or not all there.
    """
    record, salt, question, answer = (
        read(folder / name) for name in (_RECORD, _SALT, _QUESTION, _ANSWER)
    )
    try:
        told = RECORD.decode(record)
        worked_out = Record.of(
            model=told.model, salt=salt, question=question, answer=answer
        )
        if worked_out.text() != record:
            raise Unusable(f"{folder / _RECORD} is the record of something else")
        return Proved(
            record=told,
            question=Message.decode(question),
            answer=Message.decode(answer),
        )
    except Malformed as error:
        raise Unusable(f"{folder}: {error}") from error
