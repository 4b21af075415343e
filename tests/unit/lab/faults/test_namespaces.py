"""Links between namespaces, cut in one direction and healed."""

import subprocess
import sys

import pytest

from ccfpy.local.configuration import Placement
from tests.lab.faults.namespaces import Namespaces, why_not

REASON = why_not()
ANSWER_S, SILENCE_S = 60.0, 0.3
"""How long an answer may take, and how long none has come where a link is cut."""

ASK = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    link.settimeout(float(sys.argv[2]))
    link.sendto(b"?", (sys.argv[1], 5000))
    try:
        link.recv(1)
    except TimeoutError:
        sys.exit(1)
"""
ANSWER = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    link.bind((sys.argv[1], 5000))
    print("ready", flush=True)
    while True:
        data, asker = link.recvfrom(1)
        print("heard", flush=True)
        link.sendto(b"!", asker)
"""


def _python(place: Placement, code: str, argument: str) -> list[str]:
    return [*place.prefix, sys.executable, "-c", code, argument]


@pytest.mark.slow
@pytest.mark.skipif(REASON is not None, reason=str(REASON))
def test_a_link_is_cut_in_one_direction_and_healed() -> None:
    with Namespaces() as namespaces:
        one, two = namespaces.place(), namespaces.place()
        server = subprocess.Popen(
            _python(two, ANSWER, two.host), stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == "ready\n"

            def is_answered(asker: Placement, within_s: float = ANSWER_S) -> bool:
                command = [*_python(asker, ASK, two.host), str(within_s)]
                return subprocess.run(command, check=False).returncode == 0

            assert is_answered(one)
            there = namespaces.cut([one.host], [one.host, two.host])
            assert there == [(one.host, two.host)]
            assert namespaces.cut([one.host], [two.host]) == []
            assert not is_answered(one, SILENCE_S)
            assert is_answered(Placement())
            namespaces.heal(there)
            back = namespaces.cut([two.host], [one.host])
            assert not is_answered(one, SILENCE_S)
            namespaces.heal(back)
            assert is_answered(one)
        finally:
            server.kill()
            heard = server.communicate()[0].count("heard")
    # Of the two cuts, one let the question through and kept the answer.
    assert heard == 4
