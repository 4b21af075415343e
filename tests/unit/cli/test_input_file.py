import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.input_file import read_certificate, read_input


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff")
    assert read_input(tmp_path / "file") == b"\x00\xff"


@pytest.mark.parametrize("name", ["-", Path("-")])
def test_a_dash_is_stdin_with_its_bytes_unchanged(
    monkeypatch: pytest.MonkeyPatch, name: str | Path
) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(b"\r\n\xff"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_input(name) == b"\r\n\xff"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="missing"):
        read_input(tmp_path / "missing")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_who_has_no_certificate_is_told_how_to_name_one(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "service_cert.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandFailed, match="name it with --cacert"):
        read_certificate(file)
