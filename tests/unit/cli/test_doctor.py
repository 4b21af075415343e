import json
import socket

from tests.unit.cli.conftest import Command


def test_every_finding_has_a_verdict_and_bad_ones_a_remedy(command: Command) -> None:
    ended = command("doctor", "--json", "--node", "local://127.0.0.1:0")
    checks = {check["name"]: check for check in json.loads(ended.out)}
    assert {"python", "dependencies", "port", "isolation", "openssl", "tls"} <= set(
        checks
    )
    assert ended.code == 0
    for check in checks.values():
        assert check["verdict"] in ("ok", "warn")
        assert check["found"]
        assert check["verdict"] == "ok" or check["remedy"]


def test_a_port_that_is_taken_is_a_warning(command: Command) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ended = command("doctor", "--node", f"local://127.0.0.1:{port}")
    assert ended.code == 0
    (line,) = (line for line in ended.out.splitlines() if "port:" in line)
    assert line.startswith("warn port: ")
    assert "is taken" in line
    assert "--node" in line
