import asyncio
import socket
from pathlib import Path

import pytest

from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.place import ADDRESS_DEFAULT, LEARNED_FILE, LEARNED_MAX, Place
from ccfpy.client.connection import Connection
from ccfpy.client.keys import KeyFiles, generate_keys


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


def test_addresses_that_a_service_told_are_kept_for_that_service(
    service_folder: Path,
) -> None:
    _addresses(service_folder, 0, 1)
    place = Place.find(None, service_folder, None)
    more = [f"https://127.0.0.1:{2 + at}" for at in range(LEARNED_MAX + 1)]
    place.remember(more)
    again = Place.find(None, service_folder, None)
    assert again.urls == ["https://127.0.0.1:1", *more[:LEARNED_MAX]]
    Place.find("https://x:1", service_folder, None).remember(["https://x:2"])
    assert Place.find(None, service_folder, None).urls == again.urls
    place.service.write_text("another certificate")
    assert Place.find(None, service_folder, None).urls == ["https://127.0.0.1:1"]


def test_what_is_no_address_is_passed_over_where_it_was_kept(
    service_folder: Path,
) -> None:
    """An earlier version kept whatever a service listed."""
    (service_folder / "0.rpc_addresses").write_text('{"main": "h]x:[1"}')
    (service_folder / "1.rpc_addresses").write_text('{"main": 5}')
    place = Place.find(None, service_folder, None)
    hostile = ["https://h]x:[1", "https://[/x]y:1", "https://\x1b[2J:1", "", "b:1"]
    place.remember([*hostile, "https://127.0.0.1:2"])
    again = Place.find(None, service_folder, None)
    assert again.urls == ["https://b:1", "https://127.0.0.1:2"]
    assert again.connect().addresses


@pytest.mark.parametrize("text", ["{", "[]", '{"addresses": 5}', '{"addresses": [5]}'])
def test_a_file_of_addresses_that_nobody_understands_is_left_alone(
    service_folder: Path, text: str
) -> None:
    (service_folder / LEARNED_FILE).write_text(text)
    assert Place.find(None, service_folder, None).urls == [ADDRESS_DEFAULT]


def test_a_command_does_not_fail_where_no_address_can_be_learned(
    service_folder: Path,
) -> None:
    place = Place.find(None, service_folder, None)

    async def learn() -> None:
        async with Connection(
            "https://127.0.0.1:1",
            service_certificate=place.service.read_text(),
            timeout_s=1,
        ) as nobody:
            await place.learn(nobody)

    asyncio.run(learn())
    assert not (service_folder / LEARNED_FILE).exists()
