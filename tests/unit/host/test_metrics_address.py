"""Where metrics may be served."""

import socket
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host.addresses import Address
from ccfpy.host.metrics_address import MetricsAddress
from tests.attacks import attack


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("127.0.0.1:9464", "127.0.0.1"),
        ("127.8.9.1:1", "127.8.9.1"),
        ("localhost:0", "localhost"),
        ("[::1]:9464", "[::1]"),
    ],
)
def test_an_address_of_this_machine_alone_is_taken(text: str, host: str) -> None:
    address = MetricsAddress.parse(text, anywhere=False).tcp
    assert address is not None
    assert address.host == host


@attack("metrics: an address that other machines reach, by mistake")
@pytest.mark.parametrize(
    "text", ["0.0.0.0:9464", ":9464", "[::]:9464", "10.1.2.3:1", "example.com:80"]
)
def test_an_address_that_others_reach_needs_a_second_word(text: str) -> None:
    with pytest.raises(ConfigurationRefused, match="--metrics-anywhere"):
        MetricsAddress.parse(text, anywhere=False)
    assert MetricsAddress.parse(text, anywhere=True).tcp == Address.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:x", "127.0.0.1:65536", "unix:"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationRefused):
        MetricsAddress.parse(text, anywhere=False)


def test_a_port_that_is_taken_is_a_refusal_that_names_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        address = MetricsAddress.parse(f"127.0.0.1:{port}", anywhere=False)
        with pytest.raises(ConfigurationRefused, match=f"{port}.*--metrics another"):
            address.bind()


def test_a_unix_socket_takes_the_place_of_one_that_nobody_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    address = MetricsAddress.parse("unix:m", anywhere=False)
    bound, where = address.bind()
    assert where == "unix:m"
    with pytest.raises(ConfigurationRefused, match="in use"):
        address.bind()
    bound.close()  # as a killed process leaves it
    again, _ = address.bind()
    again.close()
    address.remove()
    assert not Path("m").exists()


def test_a_file_that_is_no_socket_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m").write_text("mine")
    with pytest.raises(ConfigurationRefused):
        MetricsAddress.parse("unix:m", anywhere=False).bind()
    assert Path("m").read_text() == "mine"
