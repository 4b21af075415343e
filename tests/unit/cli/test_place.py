import socket
from pathlib import Path

import pytest

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.place import ADDRESS_DEFAULT, Place
from ccfpy.client.keyfiles import KeyFiles, generate_keys


def _addresses(folder: Path, number: int, port: int) -> None:
    path = folder / f"{number}.rpc_addresses"
    path.write_text(f'{{"main": "127.0.0.1:{port}", "other": "127.0.0.1:1"}}')


def test_the_usual_address_is_meant_if_nothing_is_said(service_folder: Path) -> None:
    place = Place.find(None, service_folder, None)
    assert (place.urls, place.url) == ([ADDRESS_DEFAULT], ADDRESS_DEFAULT)
    assert Place.find("https://x:1", service_folder, None).urls == ["https://x:1"]


def test_a_node_that_listens_is_meant_before_one_that_does_not(
    service_folder: Path,
) -> None:
    with socket.socket() as listener, socket.socket() as mute:
        for it in (listener, mute):
            it.bind(("127.0.0.1", 0))
        listener.listen()
        port, closed = listener.getsockname()[1], mute.getsockname()[1]
        _addresses(service_folder, 0, closed)
        _addresses(service_folder, 10, port)
        _addresses(service_folder, 2, closed)
        place = Place.find(None, service_folder, None)
        down = f"https://127.0.0.1:{closed}"
        assert place.urls == [down, down, f"https://127.0.0.1:{port}"]
        assert place.url == f"https://127.0.0.1:{port}"
        assert place.connect().addresses == (place.url, down)
    assert place.url == down


def test_keys_are_found_by_the_beginning_of_their_id(service_folder: Path) -> None:
    for name in ("member0", "member1"):
        generate_keys(
            KeyFiles(folder=service_folder, name=name), with_encryption_key=False
        )
    place = Place.find(None, service_folder, None)
    names = place.names()
    assert sorted(names.values()) == ["member0", "member1"]
    for known_id, name in names.items():
        assert place.keys(name).name == name
        assert place.keys(known_id[:12].upper()).name == name
    with pytest.raises(Misused, match="choose one of member0, member1"):
        place.keys("member2")
    (service_folder / "odd_cert.pem").write_text("no certificate")
    assert place.names() == names


def test_addresses_that_cannot_be_read_are_told(service_folder: Path) -> None:
    (service_folder / "0.rpc_addresses").write_text("{")
    with pytest.raises(CommandFailed, match="holds no addresses"):
        Place.find(None, service_folder, None)
