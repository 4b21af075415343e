"""``ccfpy api``: a page made of documents, written or shown on this machine."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccfpy.cli.api import page_server
from tests.unit.cli.conftest import Command

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"title": "Notes", "version": "1", "description": ""},
    "paths": {"/app/notes": {"get": {"responses": {}}}},
}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def test_a_page_is_written_and_replaced(
    command: Command, document: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    for _ in range(2):
        ended = command("api", document, "--out", out)
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == f"written: {out}\n"
    text = out.read_text()
    assert "<title>Notes</title>" in text
    assert "https://127.0.0.1:8000/app/notes" in text


def test_another_file_is_not_replaced(
    command: Command, document: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine.html"
    out.write_text("mine")
    ended = command("api", document, "--out", out)
    assert ended.code == 2
    assert "is another file" in ended.err
    assert out.read_text() == "mine"


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_what_is_no_document_is_refused(
    command: Command, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    ended = command("api", path, "--out", tmp_path / "page.html")
    assert ended.code == 1
    assert "is no OpenAPI document" in ended.err
    assert "Traceback" not in ended.err


def test_a_document_that_is_not_there_is_named(
    command: Command, tmp_path: Path
) -> None:
    ended = command("api", tmp_path / "none.json", "--out", tmp_path / "page.html")
    assert ended.code != 0
    assert "none.json" in ended.err


@pytest.fixture
def shown() -> Iterator[int]:
    with page_server(b"<p>page", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse()


def test_the_page_is_shown_on_this_machine(shown: int) -> None:
    reply = _get(shown, "/")
    assert reply.status == 200
    assert reply.getheader("content-type") == "text/html; charset=utf-8"
    assert reply.read() == b"<p>page"
    reply.close()


def test_there_is_nothing_beside_the_page(shown: int) -> None:
    reply = _get(shown, "/../etc/passwd")
    assert reply.status == 404
    reply.close()
