import json
from pathlib import Path

import pytest

from ccfpy.cli.keygen import generate
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve
from tests.unit.cli.conftest import Command


def test_keys_are_made_and_their_owners_id_told(
    command: Command, tmp_path: Path
) -> None:
    ended = command("keygen", "-n", "member0", "-g", "-o", tmp_path, "--json")
    made = json.loads(ended.out)
    certificate = Certificate.from_pem((tmp_path / "member0_cert.pem").read_text())
    assert made["id"] == certificate.digest_hex
    assert {Path(name).name for name in made["files"]} == {
        path.name for path in tmp_path.iterdir()
    }
    assert len(made["files"]) == 4


def test_keys_that_are_there_are_kept_unless_forced(
    command: Command, tmp_path: Path
) -> None:
    words = ("keygen", "-n", "user0", "-o", tmp_path)
    assert command(*words).code == 0
    before = (tmp_path / "user0_privk.pem").read_text()
    ended = command(*words)
    assert ended.code == 2
    assert "--force replaces it" in ended.err
    assert (tmp_path / "user0_privk.pem").read_text() == before
    assert command(*words, "--force").code == 0
    assert (tmp_path / "user0_privk.pem").read_text() != before


@pytest.mark.parametrize("words", [["-n", "a/b"], ["-n", "x", "-c", "curve25519"], []])
def test_misuse_makes_no_keys(
    command: Command, tmp_path: Path, words: list[str]
) -> None:
    assert command("keygen", "-o", tmp_path, *words).code in (1, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("curve", "made"), [("secp384r1", Curve.SECP384R1), ("secp256r1", Curve.SECP256R1)]
)
def test_ccfs_options_make_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curve: str, made: Curve
) -> None:
    monkeypatch.chdir(tmp_path)
    assert generate(["--name", "member1", "--curve", curve, "--gen-enc-key"]) == 0
    assert generate(["-n", "member1", "-c", curve, "-g"]) == 0
    assert len(list(tmp_path.iterdir())) == 4
    certificate = Certificate.from_pem((tmp_path / "member1_cert.pem").read_text())
    assert certificate.public_key.curve is made


@pytest.mark.parametrize(
    "words", [[], ["--name", "x", "--curve", "y"], ["--name", "../x"]]
)
def test_ccfs_script_fails_with_a_word(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert generate(words) == 1
    assert capsys.readouterr().out.startswith("Error: ")
    assert not list(tmp_path.iterdir())
