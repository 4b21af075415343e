import json
from pathlib import Path

import pytest

from ccfpy.client.bundle import Bundle, NoBundle, read_bundle

SOURCE = "export function f() {}"
METADATA = {"endpoints": {"/f": {"get": {"js_module": "main.js"}}}}


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app in CCF's layout, with things between its modules that are none."""
    return _write(
        tmp_path,
        {
            "app.json": json.dumps(METADATA),
            "src/main.js": SOURCE,
            "src/main.js.map": "{}",
            "src/lib/x.js": "export const x = 1;",
            "src/lib/x.d.ts": "export const x: number;",
        },
    )


def test_a_folder_is_its_metadata_and_every_module(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert bundle.metadata == METADATA
    assert bundle.modules == {"lib/x.js": "export const x = 1;", "main.js": SOURCE}
    assert bundle.folder == folder / "src"


def test_what_a_project_built_counts_and_not_what_it_was_built_of(
    tmp_path: Path,
) -> None:
    project = _write(
        tmp_path,
        {
            "app.json": json.dumps(METADATA),
            "src/main.ts": "export const f: () => void;",
            "dist/src/main.js": SOURCE,
        },
    )
    assert read_bundle(project).modules == {"main.js": SOURCE}
    _write(project, {"dist/app.json": json.dumps({"endpoints": {}})})
    assert read_bundle(project).metadata == {"endpoints": {}}


def test_a_bundle_and_a_proposal_are_read_back(folder: Path, tmp_path: Path) -> None:
    bundle = read_bundle(folder)
    for value in (bundle.as_json(), {"actions": [bundle.action()]}):
        path = tmp_path / "file.json"
        path.write_text(json.dumps(value))
        again = read_bundle(path)
        assert (again.metadata, again.modules) == (bundle.metadata, bundle.modules)
        assert again.folder is None


def test_endpoints_are_listed_as_far_as_they_have_form() -> None:
    metadata = {"endpoints": {"/a": {"get": {}, "put": 1}, "/b": []}}
    bundle = Bundle(metadata=metadata, modules={})  # type: ignore[arg-type]
    assert bundle.endpoints() == [("/a", "get", {}), ("/a", "put", 1)]
    assert Bundle(metadata={"endpoints": 7}, modules={}).endpoints() == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, r"no app\.json in"),
        ({"app.json": "{}"}, r"no folder .*src beside app\.json"),
        ({"app.json": "{}", "src/a.map": ""}, "holds no module"),
        ({"app.json": "[]", "src/a.js": ""}, "expected a JSON object"),
        ({"app.json": "{", "src/a.js": ""}, "not JSON"),
    ],
)
def test_a_folder_without_an_app_says_what_is_missing(
    tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    with pytest.raises(NoBundle, match=reason):
        read_bundle(_write(tmp_path, files))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "an object 'metadata'"),
        ('{"metadata": {}}', "a list 'modules'"),
        ('{"metadata": {}, "modules": [1]}', "each module needs a 'name'"),
        ('{"metadata": {}, "modules": [{"name": "a"}]}', "each module needs a 'name'"),
        ('{"actions": [{"name": "set_user", "args": {}}]}', "an object 'metadata'"),
        ('{"actions": [7]}', "an object 'metadata'"),
    ],
)
def test_a_file_that_is_no_bundle_says_why(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(text)
    with pytest.raises(NoBundle, match=reason):
        read_bundle(path)


def test_files_that_cannot_be_read_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NoBundle, match=r"nowhere\.json: no such file"):
        read_bundle(tmp_path / "nowhere.json")
    (folder / "src/picture.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(NoBundle, match=r"picture\.png is no text"):
        read_bundle(folder)
