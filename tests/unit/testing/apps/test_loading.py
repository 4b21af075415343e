"""The valid names of applications, and the messages about invalid ones."""

from pathlib import Path

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.client.bundle import NoBundle
from ccfpy.client.share import constitution
from ccfpy.enclave.application import ApplicationNotLoaded
from ccfpy.testing.apps.loading import load, read_constitution
from tests.unit.testing.apps.conftest import app


def test_a_python_app_is_itself_its_path_or_a_samples_name(tmp_path: Path) -> None:
    assert load(app).app is app
    path = tmp_path / "tiny_app.py"
    path.write_text("from ccfpy.app import App\napp = App('tiny')\n")
    for source in (path, str(path)):
        assert load(source).app.name == "tiny"
    assert load("hello").app.name == "hello"
    assert not load("hello").actions


def test_a_bundle_is_json_a_file_or_a_folder(
    bundle: JsonObject, bundle_folder: Path
) -> None:
    file = bundle_folder / "bundle.json"
    file.write_bytes(json.dumps(bundle))
    action = {"name": "set_js_app", "args": {"bundle": bundle}}
    for source in (bundle, file, str(file), bundle_folder, str(bundle_folder)):
        served = load(source)
        assert (served.app.name, served.actions[-1]) == ("js_generic", action)


def test_a_built_project_is_served_as_it_is_built(
    bundle: JsonObject, bundle_folder: Path
) -> None:
    (bundle_folder / "dist").mkdir()
    (bundle_folder / "src").rename(bundle_folder / "dist" / "src")
    (bundle_folder / "dist" / "src" / "greet.js.map").write_text("{}")
    assert load(bundle_folder).actions[-1]["args"] == {"bundle": bundle}


def test_a_module_that_is_not_there_is_named(bundle_folder: Path) -> None:
    (bundle_folder / "src" / "greet.js").rename(bundle_folder / "src" / "greet.ts")
    with pytest.raises(NoBundle, match=r"GET /\w+ .*'greet.js', which is not in"):
        load(bundle_folder)


def test_metadata_that_is_none_is_refused(bundle_folder: Path) -> None:
    (bundle_folder / "app.json").write_text("[]")
    with pytest.raises(NoBundle):
        load(bundle_folder)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoBundle):
        load(tmp_path / "none.json")
    with pytest.raises(ApplicationNotLoaded):
        load(str(tmp_path / "none.py"))


def test_a_constitution_is_a_name_or_its_scripts() -> None:
    scripts = constitution("veto")
    text = "\n".join(script.read_text() for script in scripts)
    assert read_constitution("veto") == read_constitution(scripts) == text
    assert read_constitution(scripts[0]) == scripts[0].read_text()
    with pytest.raises(FileNotFoundError, match="choose one of"):
        read_constitution("none")
