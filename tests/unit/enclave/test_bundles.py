"""Applications by name, path or manifest; a signed one must be what was signed."""

from pathlib import Path

import pytest

from ccfpy.attestation.manifest import Manifest
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.enclave.application import ApplicationNotLoaded, find_application
from ccfpy.enclave.bundles import check_measured, find, read_manifest
from ccfpy.enclave.measuring import measure
from ccfpy.testing.entropy import SeededEntropy

KEY = KeyPair.generate(SeededEntropy(1), Curve.SECP384R1)


def signed(application: Path, place: Path) -> Path:
    manifest = Manifest.sign(
        measure(application, configuration={"a": 1}),
        KEY,
        name=application.name,
        product_id=1,
        security_version=1,
        debug=False,
    )
    place.write_bytes(manifest.raw)
    return place


@pytest.fixture
def application(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text("app = 1\n")
    return folder


def test_a_name_or_path_is_nobodys_word(application: Path) -> None:
    for name in ("logging", str(application)):
        found = find(name)
        assert found.manifest is None
        assert found.path == find_application(name)


def test_a_manifest_is_found_with_what_stands_beside_it(application: Path) -> None:
    found = find(str(signed(application, application.with_suffix(".enclave"))))
    assert found.path == application.resolve()
    assert found.manifest is not None
    assert found.manifest.bundle.configuration == {"a": 1}
    check_measured(found)


def test_a_single_file_may_be_signed_too(tmp_path: Path) -> None:
    single = tmp_path / "one.py"
    single.write_text("app = 1\n")
    found = find(str(signed(single, tmp_path / "one.enclave")))
    assert found.path == single
    check_measured(found)


def test_a_samples_manifest_may_lie_anywhere(tmp_path: Path) -> None:
    sample = find_application("logging")
    found = find(str(signed(sample, tmp_path / "l.enclave")))
    assert found.path == sample
    check_measured(found)


def test_a_byte_that_was_changed_is_found_and_named(application: Path) -> None:
    place = signed(application, application.with_suffix(".enclave"))
    (application / "__init__.py").write_text("app = 2\n")
    with pytest.raises(
        ApplicationNotLoaded,
        match=r"'mine' is not what was signed: .* application \(__init__.py\); sign it",
    ):
        check_measured(find(str(place)))


@pytest.mark.slow
def test_another_interface_is_another_enclave(application: Path) -> None:
    found = find(str(signed(application, application.with_suffix(".enclave"))))
    with pytest.raises(ApplicationNotLoaded, match="differ in interface"):
        check_measured(found, interface=bytes(32))


@pytest.mark.parametrize("content", [b"", b"junk", b"x" * 300_000])
def test_a_file_that_is_no_manifest_says_how_one_is_made(
    tmp_path: Path, content: bytes
) -> None:
    place = tmp_path / "x.enclave"
    place.write_bytes(content)
    with pytest.raises(ApplicationNotLoaded, match="make it with ccfpy enclave sign"):
        find(str(place))


def test_an_application_that_is_gone_is_missed(application: Path) -> None:
    place = signed(application, application.parent / "m.enclave")
    application.rename(application.parent / "moved")
    with pytest.raises(ApplicationNotLoaded, match="no application 'mine'"):
        find(str(place))
    with pytest.raises(ApplicationNotLoaded, match="is no signed enclave"):
        read_manifest(application.parent / "none.enclave")
