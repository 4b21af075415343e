"""Finding and loading the application a node serves."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.client.share import share_root
from ccfpy.enclave.application import (
    ApplicationNotLoaded,
    find_application,
    load_application,
)


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _load(name: str) -> object:
    return load_application(name)


def test_a_file_is_loaded_by_its_path(folder: Path) -> None:
    (folder / "greeter_app.py").write_text("app = 'the app'")
    assert _load("greeter_app.py") == "the app"
    assert _load(str(folder / "greeter_app.py")) == "the app"


def test_a_package_is_loaded_by_its_folder_and_may_import_itself(folder: Path) -> None:
    package = folder / "outer_app" / "inner"
    package.mkdir(parents=True)
    (folder / "outer_app" / "__init__.py").touch()
    (package / "__init__.py").write_text("from outer_app.inner.tables import app")
    (package / "tables.py").write_text("app = 'packaged'")
    assert _load("outer_app/inner") == "packaged"


_OF_OURS = "from ccfpy.app import App\n"
REFUSED = {
    "nothing": ("nowhere.py", "no application 'nowhere.py': give the path"),
    "an unknown sample": ("nosuchsample", "no application 'nosuchsample'"),
    "no python": ("notes.txt", "no application 'notes.txt'"),
    "no app": ("empty_app.py", "has no 'app'; give its module an attribute"),
    "a mistake": (
        "broken_app.py",
        r"does not load: NameError: name 'x' is not defined, at .*/broken_app\.py:1; ",
    ),
    "a mistake in a call of ours": (
        "strange_app.py",
        r"does not load: ValueError: no policy 'z'; .*, at .*/strange_app\.py:2; ",
    ),
    "a mistake in a declaration": (
        "async_app.py",
        r'/async_app\.py:3: read is declared by "async def", and .*: write "def"$',
    ),
    "an exit": ("leaving_app.py", "does not load: SystemExit: bye, at .*:1; correct"),
    "a syntax error": ("wrong_app.py", "does not load: SyntaxError"),
    "a taken name": ("json.py", "has the name of another module; rename it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_application_is_refused_with_a_remedy(
    name: str, folder: Path
) -> None:
    (folder / "notes.txt").touch()
    (folder / "empty_app.py").touch()
    (folder / "broken_app.py").write_text("app = x")
    (folder / "strange_app.py").write_text(f"{_OF_OURS}App('y', auth=['z'])")
    (folder / "async_app.py").write_text(
        f"{_OF_OURS}app = App('y')\n@app.get('/x')\nasync def read(ctx): ..."
    )
    (folder / "leaving_app.py").write_text("raise SystemExit('bye')")
    (folder / "wrong_app.py").write_text("app = (")
    (folder / "json.py").write_text("app = 1")
    path, reason = REFUSED[name]
    with pytest.raises(ApplicationNotLoaded, match=reason):
        load_application(path)


def test_a_sample_is_found_by_its_name() -> None:
    place = share_root() / "apps"
    for sample in place.iterdir():
        if (sample / "__init__.py").is_file():
            assert find_application(sample.name) == sample
