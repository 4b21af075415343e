"""The bounds of a sandbox's options, and a JavaScript app that it begins with."""

import json
from pathlib import Path

import pytest

from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.sandbox import ELECTION_TIMEOUT_MS_MIN, install_app
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize(
    ("timeout_ms", "words"),
    [
        (ELECTION_TIMEOUT_MS_MIN - 1, "--election-timeout-ms"),
        (ELECTION_TIMEOUT_MS_MIN, "no constitution named 'none'"),
    ],
)
def test_nodes_elect_no_sooner_than_a_primary_says_a_few_words(
    command: Command, timeout_ms: int, words: str
) -> None:
    ended = command(
        *("sandbox", "--election-timeout-ms", timeout_ms, "--constitution", "none")
    )
    assert ended.code != 0
    assert words in ended.err


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """An app of one endpoint and two modules."""
    (tmp_path / "src" / "lib").mkdir(parents=True)
    (tmp_path / "src" / "main.js").write_text("export function f() {}")
    (tmp_path / "src" / "lib" / "x.js").write_text("export const x = 1;")
    endpoint = {"js_module": "main.js", "js_function": "f"}
    metadata = {"endpoints": {"/f": {"get": endpoint}}}
    (tmp_path / "app.json").write_text(json.dumps(metadata))
    return tmp_path


def test_an_app_is_its_metadata_and_every_module(bundle: Path) -> None:
    action = install_app(bundle)
    assert action["name"] == "set_js_app"
    assert action["args"] == {
        "bundle": {
            "metadata": json.loads((bundle / "app.json").read_text()),
            "modules": [
                {"name": "lib/x.js", "module": "export const x = 1;"},
                {"name": "main.js", "module": "export function f() {}"},
            ],
        }
    }


def test_a_module_that_is_missing_is_named(bundle: Path) -> None:
    (bundle / "src" / "main.js").unlink()
    with pytest.raises(CommandFailed, match=r"'main\.js', but there is no"):
        install_app(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"endpoints": []}', "\xff"])
def test_metadata_of_another_form_is_refused(bundle: Path, text: str) -> None:
    (bundle / "app.json").write_text(text, encoding="latin-1")
    with pytest.raises(CommandFailed):
        install_app(bundle)


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot use the JavaScript app"):
        install_app(tmp_path)
