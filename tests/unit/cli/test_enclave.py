"""``ccfpy enclave``: measured, signed, looked at; every refusal one sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ccfpy.attestation.identity import signer_id_of
from ccfpy.attestation.manifest import Manifest
from ccfpy.base.limits import ENCLAVE_NUMBER_MAX, MIB
from ccfpy.client.keys import KeyFiles, generate_keys
from ccfpy.crypto.ec import KeyPair
from ccfpy.enclave.measuring import node_interface
from ccfpy.toolkit.enclave import Enclave, Limits
from tests.unit.cli.conftest import Command
from tests.unit.toolkit.enclave.rough import INTERFACE, Trusted

APP = "app = 'an application'\n"
TOOLKIT = """
from ccfpy.toolkit.enclave import Enclave
from tests.unit.toolkit.enclave.rough import INTERFACE

enclave = Enclave(interface=INTERFACE, code=lambda around: around)
"""
NUMBERS = count()


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Path]:
    """Write an application of a name that no other module has."""

    def write(source: str) -> Path:
        folder = tmp_path / f"signed_sample_{next(NUMBERS)}"
        folder.mkdir()
        (folder / "__init__.py").write_text(source)
        return folder

    return write


@pytest.fixture
def key(tmp_path: Path) -> Path:
    files = KeyFiles(folder=tmp_path, name="developer")
    generate_keys(files, with_encryption_key=False)
    return files.private_key


def _never(_: object) -> Trusted:
    raise AssertionError("it is only measured")


def told(command: Command, *words: object) -> dict[str, Any]:
    ended = command("enclave", *words, "--json")
    assert ended.code == 0, ended.err
    read: dict[str, Any] = json.loads(ended.out)
    return read


@pytest.mark.newest
def test_what_was_signed_is_shown_and_measures_the_same(
    command: Command, make: Callable[[str], Path], key: Path
) -> None:
    app = make(APP)
    measured = told(command, "measure", app)
    signed = told(command, "sign", app, "--key", key, "--security-version", 3)
    file = app.with_suffix(".enclave")
    assert signed == {
        "file": str(file),
        "unique_id": measured["unique_id"],
        "signer_id": signer_id_of(KeyPair.from_pem(key.read_text()).public_key).hex(),
        "product_id": 1,
        "security_version": 3,
        "debug": False,
    }
    shown = told(command, "inspect", file)
    assert {**shown, "file": str(file)}.items() >= signed.items()
    assert shown["parts"] == measured["parts"]
    assert list(shown["files"]) == ["__init__.py"]
    assert told(command, "measure", file) == measured
    assert shown["parts"]["interface"] == node_interface().hex()


def test_everything_that_can_be_said_of_it_is_signed(
    command: Command, make: Callable[[str], Path], key: Path, tmp_path: Path
) -> None:
    configuration = tmp_path / "c.json"
    configuration.write_text('{"limit": 3}')
    out = tmp_path / "elsewhere.enclave"
    words = (
        "--product-id",
        ENCLAVE_NUMBER_MAX,
        "--debug",
        "--configuration",
        configuration,
    )
    app = make(APP)
    assert command("enclave", "sign", app, "--key", key, "-o", out, *words).code == 0
    manifest = Manifest.read(out.read_bytes())
    assert manifest.identity.product_id == ENCLAVE_NUMBER_MAX
    assert manifest.identity.debug
    assert manifest.bundle.configuration == {"limit": 3}
    assert manifest.name == app.name
    bound = told(command, "measure", app, "--configuration", configuration)
    assert bound["unique_id"] == manifest.identity.unique_id.hex()
    assert told(command, "measure", out)["unique_id"] == bound["unique_id"]


def test_people_are_shown_the_same(
    command: Command, make: Callable[[str], Path], key: Path
) -> None:
    app = make(APP)
    ended = command("enclave", "sign", app, "--key", key, "--debug")
    unique_id = ended.out.split()[-1]
    shown = command("enclave", "inspect", app.with_suffix(".enclave")).out
    rows = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert unique_id in shown
    assert rows["debug"].strip() == "yes: it keeps no secret"
    assert rows["application"].strip() == app.name
    assert unique_id in command("enclave", "measure", app).out


def test_an_enclave_made_with_the_toolkit_has_its_own_interface(
    command: Command, make: Callable[[str], Path]
) -> None:
    limits = Limits(memory_bytes_max=300 * MIB)
    other = TOOLKIT.replace("INTERFACE,", f"INTERFACE, limits={limits!r},").replace(
        "import Enclave", "import Enclave, Limits"
    )
    found = [told(command, "measure", make(it))["parts"] for it in (TOOLKIT, other)]
    own = Enclave(interface=INTERFACE, code=_never)
    assert found[0]["interface"] == own.definition_digest
    assert found[1]["interface"] == replace(own, limits=limits).definition_digest
    assert found[0]["interface"] != found[1]["interface"] != node_interface().hex()


def test_what_was_changed_after_signing_is_named(
    command: Command, make: Callable[[str], Path], key: Path
) -> None:
    app = make(APP)
    command("enclave", "sign", app, "--key", key)
    (app / "more.py").write_text("")
    ended = command("enclave", "measure", app.with_suffix(".enclave"))
    assert ended.code == 1
    assert "is not what was signed" in ended.err
    assert "application (more.py)" in ended.err


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("sign", "no-such", "--key", "KEY"), 1, "no application 'no-such'"),
        (("sign", "APP", "--key", "none.pem"), 1, "make a key with ccfpy keygen"),
        (("sign", "APP", "--key", "KEY", "-o", "x.json"), 2, "must end in .enclave"),
        (("sign", "APP", "--key", "KEY", "--product-id", "65536"), 2, "65535"),
        (("sign", "APP", "--key", "KEY", "--configuration", "none"), 1, "cannot use"),
        (("sign", "APP", "--key", "KEY", "--configuration", "KEY"), 1, "not JSON"),
        (("sign", "SIGNED", "--key", "KEY"), 2, "is signed already"),
        (("measure", "SIGNED", "--configuration", "KEY"), 2, "leave out the options"),
        (("measure", "BARE"), 1, "has no 'app'"),
        (("measure", "ODD"), 1, "has an 'enclave' that is none"),
        (("measure", "BROKEN"), 1, "does not load: ZeroDivisionError"),
        (("inspect", "KEY"), 1, "is no signed enclave: "),
        (("inspect", "none.enclave"), 1, "make it with ccfpy enclave sign"),
    ],
)
def test_every_refusal_is_a_sentence(
    command: Command,
    make: Callable[[str], Path],
    key: Path,
    words: tuple[str, ...],
    code: int,
    reason: str,
) -> None:
    app = make(APP)
    command("enclave", "sign", app, "--key", key)
    places = {
        "APP": app,
        "KEY": key,
        "SIGNED": app.with_suffix(".enclave"),
        "BARE": make(""),
        "ODD": make("enclave = 1"),
        "BROKEN": make("1 / 0"),
    }
    ended = command("enclave", *(places.get(word, word) for word in words))
    assert ended.code == code, ended
    assert reason in " ".join(ended.err.split())
    assert "Traceback" not in ended.err
