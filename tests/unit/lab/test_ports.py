import socket

import pytest

from tests.lab.ports import PORT_MAX, PORT_MIN, free_ports


@pytest.mark.parametrize("count", [1, 2, 5])
def test_ports_are_in_a_row_and_nobody_listens(count: int) -> None:
    ports = free_ports(count)
    assert len(ports) == count
    assert PORT_MIN <= ports[0] <= ports[-1] <= PORT_MAX
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            listener.listen()


def test_ports_that_are_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first, taken, *_, last = free_ports(5)
    monkeypatch.setattr("tests.lab.ports.PORT_MIN", first)
    monkeypatch.setattr("tests.lab.ports.PORT_MAX", last)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        assert free_ports(3) == range(taken + 1, last + 1)
        with pytest.raises(OSError, match=r"no 4 ports in a row of 127\.0\.0\.1"):
            free_ports(4)
