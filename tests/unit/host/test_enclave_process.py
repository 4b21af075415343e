"""The link's ends: a large frame leaves in one piece, though nobody reads yet."""

import socket

from ccfpy.host.enclave_process import LINK_BUFFER_BYTES, link_pair


def _taken(end: socket.socket) -> int:
    """Give how much the system keeps before it says that it is full."""
    end.setblocking(False)
    taken = 0
    try:
        while True:
            taken += end.send(bytes(1 << 16))
    except BlockingIOError:
        return taken


def _kept(size: int) -> int:
    """Give what the system lets a socket keep that asks for ``size``."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        return probe.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def test_either_side_may_say_as_much_as_the_system_lets_it_before_it_is_heard() -> None:
    for at in (0, 1):
        ends = link_pair()
        with ends[0], ends[1]:
            kept = ends[at].getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            assert kept == _kept(LINK_BUFFER_BYTES)
            assert _taken(ends[at]) >= kept // 2
