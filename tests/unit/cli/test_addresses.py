import socket
from pathlib import Path

import pytest

from ccfpy.cli.addresses import (
    NODES_MAX,
    named_anywhere,
    parse_node,
    placements,
    python_app,
    refuse_python,
    require_free,
)
from ccfpy.cli.errors import CommandFailed, Misused
from tests.lab.ports import free_ports


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("local://127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("localhost:0", ("localhost", 0)),
        ("localhost:65535", ("localhost", 65_535)),
    ],
)
def test_a_node_is_named_as_ccfs_sandbox_names_it(
    text: str, place: tuple[str, int]
) -> None:
    assert parse_node(text) == place


@pytest.mark.parametrize(
    "text", ["", "8000", "local://", "local://x", "ssh://x:1", "x:y", "x:65536"]
)
def test_anything_else_is_misuse(text: str) -> None:
    with pytest.raises(Misused):
        parse_node(text)


def test_a_port_is_free_until_somebody_listens() -> None:
    (port,) = free_ports()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        with pytest.raises(CommandFailed, match=f"port {port} .* is taken.*--node"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
    with pytest.raises(CommandFailed, match="cannot listen on"):
        require_free("203.0.113.1", 0)


def _places(*given: str) -> list[tuple[str, int]]:
    return [(placement.host, placement.port) for placement in placements(given)]


def test_several_addresses_are_several_nodes() -> None:
    given = ["local://127.0.0.1:0", "local://localhost:0"]
    assert _places(*given) == [("127.0.0.1", 0), ("localhost", 0)]


def test_a_number_of_nodes_take_ports_that_are_free() -> None:
    port, next_port = free_ports(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", next_port))
        taken.listen()
        (one, two, three) = _places("3", f"local://127.0.0.1:{port}")
    assert one == ("127.0.0.1", port)
    assert next_port < two[1] < three[1]
    assert _places("2", "local://127.0.0.1:0") == [("127.0.0.1", 0)] * 2


@pytest.mark.parametrize("text", ["0", str(NODES_MAX + 1), "8000"])
def test_a_number_of_nodes_has_bounds(text: str) -> None:
    with pytest.raises(Misused, match=r"choose 1 to 20.*local://HOST:PORT"):
        placements([text, "local://127.0.0.1:0"])
    given = [str(NODES_MAX), "local://127.0.0.1:0"]
    assert len(placements(given)) == NODES_MAX


@pytest.mark.parametrize("given", [["2", "3"], ["1", "x:0", "x:0"]])
def test_two_numbers_of_nodes_are_one_too_many(given: list[str]) -> None:
    with pytest.raises(Misused, match="two numbers of nodes"):
        placements(given)


def test_two_nodes_cannot_share_an_address() -> None:
    with pytest.raises(Misused, match="cannot both listen"):
        placements(["x:1", "x:1"])


def test_what_is_a_path_is_named_from_the_root_and_a_sample_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "logging").mkdir()
    for path in ("mine.py", "signed.enclave", "package"):
        assert named_anywhere(path) == str(tmp_path / path)
    assert named_anywhere("logging") == "logging"


@pytest.mark.parametrize(
    ("files", "named", "app"),
    [
        (["notes.py"], "notes.py", "notes.py"),
        (["notes.py", "test_notes.py", "pytest.ini"], "", "notes.py"),
        (["__init__.py", "tables.py"], "", ""),
        (["app.json", "src/app.js", "build.py"], "", None),
        (["package.json", "src/app.ts"], "", None),
        (["src/app.js"], "", None),
    ],
)
def test_an_app_in_python_is_told_from_one_in_javascript(
    files: list[str], named: str, app: str | None, tmp_path: Path
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    found = python_app(tmp_path / named)
    assert found == (None if app is None else (tmp_path / app).resolve())


def test_a_folder_of_several_modules_must_be_told_apart(tmp_path: Path) -> None:
    for file in ("a.py", "b.py"):
        (tmp_path / file).touch()
    with pytest.raises(Misused, match=r"has a\.py, b\.py: name the file"):
        python_app(tmp_path)
    with pytest.raises(Misused, match="is no app: give a Python file or a folder"):
        python_app(tmp_path / "nothing")


def test_an_app_in_python_is_no_bundle(tmp_path: Path) -> None:
    app = tmp_path / "notes.py"
    refuse_python(app)  # nothing is there: the bundle's reader says so
    app.touch()
    for named in (app, tmp_path):
        with pytest.raises(Misused, match=r"is an app in Python: .* ccfpy node --app "):
            refuse_python(named)
