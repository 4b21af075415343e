"""``ccfpy call``: how a caller is named, and what a terminal gets of an answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from ccfpy.client.keys import KeyFiles, generate_keys
from tests.unit.cli.conftest import Command
from tests.unit.cli.test_receipt_fetched import served
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)

__all__ = ["serve", "server_tls", "service_key", "service_pem"]


class Service:
    """Answers with a hostile header."""

    url = ""

    async def answer(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"path": request.path}, headers={"x-told": "\u202egnp"}
        )


@pytest.fixture
def service(serve: Serve, service_pem: str, tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "service_cert.pem").write_text(service_pem)
    made = Service()
    yield from served(serve, made.answer, made)


def test_a_caller_is_named_by_files(
    command: Command, service: Service, tmp_path: Path
) -> None:
    where = ("--url", service.url, "--common", tmp_path)
    keys = KeyFiles(folder=tmp_path / "elsewhere", name="alice")
    keys.folder.mkdir()
    generate_keys(keys, with_encryption_key=False)
    files = ("--cert", keys.certificate, "--key", keys.private_key)
    ended = command("call", "/app/x", *files, *where)
    assert (ended.code, ended.out) == (0, '{"path": "/app/x"}')
    for wrong in (files[:2], files[2:], (*files, "--as", "user0")):
        assert command("call", "/app/x", *wrong, *where).code == 2


def test_headers_are_marked(command: Command, service: Service, tmp_path: Path) -> None:
    ended = command(
        "call", "/app/x", "--include", "--url", service.url, "--common", tmp_path
    )
    assert "x-told: ⟦U+202E⟧gnp" in ended.out.splitlines()
