"""``ccfpy console``: what stops it from being started."""

import socket
from pathlib import Path

import pytest

from ccfpy.console import server
from tests.unit.cli.conftest import Command


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A page that was built."""
    folder = tmp_path / "static"
    folder.mkdir()
    for name, _ in server.FILES.values():
        (folder / name).write_text(name)
    monkeypatch.setattr(server, "files", lambda _: tmp_path)
    return folder


def test_a_page_that_was_not_built_is_named(
    command: Command, service_folder: Path, page: Path
) -> None:
    (page / "console.js").unlink()
    ended = command("console", "--common", service_folder)
    assert ended.code == 1
    assert "run make console" in ended.err


def test_a_port_that_is_taken_is_named(command: Command, service_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command("console", "--common", service_folder, "--port", port)
    assert (ended.code, ended.out) == (1, "")
    assert f"port {port} is taken" in ended.err


def test_a_vote_needs_somebody_to_ask(command: Command, service_folder: Path) -> None:
    ended = command("console", "--common", service_folder, "--as", "member0")
    assert ended.code == 2
    assert "nobody is here to be asked" in ended.err


def test_a_member_whose_key_is_not_here_is_named(
    command: Command, service_folder: Path
) -> None:
    words = ("--as", "member7", "--no-confirm")
    ended = command("console", "--common", service_folder, *words)
    assert ended.code == 2
    assert "member7_cert.pem" in ended.err


@pytest.mark.parametrize("option", ["--ledger", "--lost"])
def test_a_folder_that_is_none_is_named(
    command: Command, tmp_path: Path, option: str
) -> None:
    ended = command("console", option, tmp_path / "gone")
    assert ended.code == 1
    assert f"gone is no folder: {option}" in ended.err
