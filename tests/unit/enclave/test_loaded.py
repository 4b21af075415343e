"""The modules that a signed application may load, and those that it may not."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import ccfpy
from ccfpy.attestation.manifest import Manifest
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.enclave import bundles
from ccfpy.enclave.measuring import dependencies, measure
from ccfpy.testing.entropy import SeededEntropy

KEY = KeyPair.generate(SeededEntropy(1), Curve.SECP384R1)
OURS = Path(ccfpy.__file__).parents[1]
"""Where this ccfpy was found, which need not be the one that is installed."""
APP = "from ccfpy.app import App\napp = App('mine')\n"
BUILD = """
import sys
from ccfpy.base.errors import CcfpyError
from ccfpy.enclave.assembly import build_node
try:
    build_node(sys.argv[1])
except CcfpyError as error:
    print(error)
"""


def said(application: Path, *packages: str) -> str:
    """Sign an application, build a node of it in a fresh process, give its refusal."""
    place = application.with_suffix(".enclave")
    manifest = Manifest.sign(
        measure(application, packages=packages),
        KEY,
        name=application.name,
        product_id=1,
        security_version=1,
        debug=False,
    )
    place.write_bytes(manifest.raw)
    return subprocess.run(
        [sys.executable, "-c", BUILD, str(place)],
        cwd=application.parent,
        env={"HOME": str(application.parent), "PYTHONPATH": str(OURS)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "inner.py").write_text("")
    return folder


@pytest.mark.slow
def test_its_own_code_pythons_and_the_frameworks_are_measured(package: Path) -> None:
    code = f"import wave, xml.dom.minidom, sqlite3\nfrom mine import inner\n{APP}"
    (package / "__init__.py").write_text(code)
    assert said(package) == ""


@pytest.mark.slow
def test_packages_around_it_are_measured_too(package: Path) -> None:
    around = package.parent / "around"
    around.mkdir()
    (around / "__init__.py").write_text("")
    inside = package.rename(around / "mine")
    (inside / "__init__.py").write_text(f"import around.mine.inner\n{APP}")
    assert said(inside) == ""
    assert "../__init__.py" in measure(inside).application


@pytest.mark.slow
def test_code_that_lies_beside_it_is_not(package: Path) -> None:
    beside = package.parent / "beside.py"
    beside.write_text("")
    (package / "__init__.py").write_text(f"import beside\n{APP}")
    words = said(package)
    assert f"the enclave 'mine' loads {beside}, which is not part" in words
    assert "put it into the application's package" in words


@pytest.mark.slow
def test_what_runs_in_no_enclave_of_ours_is_not(package: Path) -> None:
    (package / "__init__.py").write_text(f"import ccfpy.host.disk\n{APP}")
    assert "host/__init__.py, which is not part of what was signed" in said(package)


@pytest.mark.slow
@pytest.mark.parametrize("named", [(), ("pluggy",)])
def test_an_installed_package_is_part_of_it_where_the_signer_names_it(
    package: Path, named: tuple[str, ...]
) -> None:
    (package / "__init__.py").write_text(f"import iniconfig\n{APP}")
    words = said(package, *named)
    assert "uses the package iniconfig, which is not part of what was signed" in words
    assert "sign it with --package iniconfig" in words
    assert said(package, "iniconfig") == ""


def test_its_version_is_measured(package: Path) -> None:
    (package / "__init__.py").write_text(APP)
    without, named, absent = (
        measure(package, packages=packages)
        for packages in ((), ("iniconfig",), ("no-such-package",))
    )
    assert named.dependencies["iniconfig"][0].isdigit()
    assert absent.dependencies["no-such-package"] == "absent"
    assert len({it.unique_id for it in (without, named, absent)}) == 3


@pytest.mark.parametrize(
    ("file", "kinds"),
    [
        ("{app}/inner/x.py", ["of"]),
        ("{app}", ["of"]),
        ("{around}/__init__.py", ["of"]),
        ("{around}/other.py", []),
        ("{ccfpy}/kv/store.py", ["framework"]),
        ("{ccfpy}/host/disk.py", []),
        ("/usr/lib/python3/dist-packages/six.py", ["installed"]),
        ("{python}/wave.py", ["python"]),
        ("{python}/site-packages/six.py", ["installed"]),
    ],
)
def test_each_file_is_of_one_kind_or_of_none(file: str, kinds: list[str]) -> None:
    application = Path("/srv/around/app")
    path = Path(
        file.format(
            app=application,
            around=application.parent,
            ccfpy=Path(ccfpy.__file__).parent,
            python=Path(sysconfig.get_path("stdlib")).resolve(),
        )
    )
    found = {
        "of": bundles._is_of(application, path),
        "framework": bundles._is_framework(path),
        "installed": bundles._is_installed(path),
        "python": bundles._is_python(path),
    }
    assert [kind for kind, is_so in found.items() if is_so] == kinds


def test_ccfpy_may_be_installed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path("/venv/lib/python3.11/site-packages/ccfpy")
    monkeypatch.setattr(bundles, "_ROOT", root)
    assert bundles._is_framework(root / "kv/store.py")
    assert not bundles._is_installed(root / "kv/store.py")
    assert not bundles._is_installed(root / "host/disk.py")
    assert not bundles._is_framework(root / "host/disk.py")


def test_what_a_named_package_needs_is_measured_with_it() -> None:
    needed = dependencies(["pytest"]).keys() - dependencies().keys()
    assert {"pytest", "iniconfig", "pluggy", "packaging"} <= needed
    assert "hypothesis" not in needed, "an extra of it"
    again = dependencies(dependencies(["pytest"]))
    assert again == dependencies(["pytest"])
