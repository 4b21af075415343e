"""The files that the command reads and writes, and its messages about invalid files."""

from pathlib import Path

import numpy as np
import pytest

from apps.inference.__main__ import main
from apps.inference.client import Proof
from apps.inference.files import (
    Unusable,
    check_proof,
    read_tensors,
    save_proof,
    shown,
)
from apps.inference.messages import Record
from apps.inference.tensors import Message
from ccfpy.app import TxId, parse_json
from tests.apps.inference_kit import row

SALT = b"\x05" * 32
QUESTION = Message({"x": row(1, 2, 3)}).encode()
ANSWER = Message({"y": row(2, 4, 6)}).encode()


def test_tensors_are_read_from_json(tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    path.write_text('{"x": {"type": "int8", "data": [[1, 2], [3, 4]]}}')
    tensors = read_tensors(path)
    assert tensors["x"].dtype == np.int8
    assert shown(tensors) == {"x": {"type": "int8", "data": [[1, 2], [3, 4]]}}


def test_tensors_are_read_from_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "inputs.npz"
    np.savez(path, x=row(1, 2, 3))
    np.testing.assert_array_equal(read_tensors(path)["x"], row(1, 2, 3))


BAD_FILES = {
    "no JSON": ("x.json", b"{", "not JSON"),
    "no object": ("x.json", b"[]", "holds no tensors by name"),
    "no type": ("x.json", b'{"x": {"data": [1]}}', "'x' needs a 'type'"),
    "code": ("x.json", b'{"x": {"type": "O", "data": [1]}}', "'x' needs a 'type'"),
    "ragged": (
        "x.json",
        b'{"x": {"type": "int8", "data": [[1], [1, 2]]}}',
        "the 'data' of 'x' is no array of int8",
    ),
    "too great": (
        "x.json",
        b'{"x": {"type": "int8", "data": [1000]}}',
        "the 'data' of 'x' is no array of int8",
    ),
    "no data": (
        "x.json",
        b'{"x": {"type": "int8"}}',
        "the 'data' of 'x' is no array of int8",
    ),
    "no archive": ("x.npz", b"no archive", "is no archive of arrays"),
}


@pytest.mark.parametrize(
    ("name", "content", "said"), BAD_FILES.values(), ids=BAD_FILES.keys()
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Unusable, match=said):
        read_tensors(path)


def test_an_archive_of_objects_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.array([object()], dtype=object))
    with pytest.raises(Unusable, match="is no archive of arrays"):
        read_tensors(path)


def _proof() -> Proof:
    return Proof(
        txid=TxId(2, 7),
        record=Record.of(model="ab" * 32, salt=SALT, question=QUESTION, answer=ANSWER),
        salt=SALT,
        question=QUESTION,
        answer=ANSWER,
    )


def test_a_proof_is_kept_and_checked(tmp_path: Path) -> None:
    save_proof(tmp_path / "proof", _proof(), b"{}")
    proved = check_proof(tmp_path / "proof")
    assert proved.record == _proof().record
    np.testing.assert_array_equal(proved.question.tensors["x"], row(1, 2, 3))
    np.testing.assert_array_equal(proved.answer.tensors["y"], row(2, 4, 6))


@pytest.mark.parametrize("name", ["salt", "question", "answer"])
def test_a_proof_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    save_proof(tmp_path, _proof(), b"{}")
    content = bytearray(tmp_path.joinpath(name).read_bytes())
    content[-1] ^= 1
    tmp_path.joinpath(name).write_bytes(content)
    with pytest.raises(Unusable, match="is the record of something else"):
        check_proof(tmp_path)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (b"", "not JSON"),
        (b"{}", "model"),
        (_proof().record.text() + b" ", "something else"),
    ],
)
def test_a_record_is_written_in_one_way(
    tmp_path: Path, record: bytes, said: str
) -> None:
    save_proof(tmp_path, _proof(), b"{}")
    tmp_path.joinpath("record.json").write_bytes(record)
    with pytest.raises(Unusable, match=said):
        check_proof(tmp_path)


def test_the_command_says_in_one_line_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"cannot read {tmp_path / 'record.json'}: No such file or directory\n"
    )


def test_the_command_shows_a_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_proof(tmp_path, _proof(), b"{}")
    assert main(["prove", str(tmp_path)]) == 0
    shown_ = parse_json(capsys.readouterr().out)
    assert isinstance(shown_, dict)
    assert shown_["outputs"] == {"y": {"type": "float32", "data": [[2.0, 4.0, 6.0]]}}


def test_the_command_wants_both_or_neither_of_a_key_and_its_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"a model")
    words = ["--name", "n", "--version", "1", "--out", str(tmp_path / "out")]
    assert main(["register", str(model), *words, "--key", str(tmp_path / "key")]) == 1
    assert capsys.readouterr().err == "--encrypt and --key go together\n"
    assert not (tmp_path / "key").exists()


# What evidence must say

MEASURED = "ab" * 48
FLOOR = "00a00f11=db18000000000004"
REFUSED = {
    "nothing is said": ((), "nothing says what the enclave's evidence must be; name a"),
    "a measurement alone": (
        ("--measurement", MEASURED),
        "for SEV-SNP no host data is named; name one",
    ),
    "no firmware": (
        ("--measurement", MEASURED, "--host-data", "00" * 32),
        "for SEV-SNP no least version of the firmware is named; name one",
    ),
    "no measurement": (
        ("--minimum-tcb", FLOOR, "--host-data", "00" * 32),
        "for SEV-SNP no measurement, and nobody who endorses one is named; name one",
    ),
    "a version that is none": (
        ("--measurement", MEASURED, "--minimum-tcb", "00a00f11"),
        "TCB version has 0 bytes, expected 8",
    ),
    "a policy that is not there": (("--policy", "none.json"), "cannot read none.json"),
    "the same twice": (
        ("--policy", "none.json", "--host-data", "00" * 32),
        "--policy says it all; leave out --host-data",
    ),
}


@pytest.mark.parametrize(("words", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_evidence_must_say_is_asked_before_all_else(
    words: tuple[str, ...],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.json").write_text('{"x": {"type": "int8", "data": [1]}}')
    Path("key").write_bytes(bytes(32))
    for command in (
        ("score", "x.json", "--name", "m"),
        ("unlock", "--name", "m", "--version", "1", "--key", "key"),
    ):
        assert main([*command, *words]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(told)
        assert said.err.count("\n") == 1
