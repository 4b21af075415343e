"""A whole host around a stand-in for the node, in the process and beside it."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ccfpy.base.limits import SESSION_LEAVING_BYTES_MAX
from ccfpy.base.version import VERSION
from ccfpy.boundary.events import Event, Tick
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.enclave.in_process import InProcessLink
from ccfpy.host import gathering, metrics, node_host
from ccfpy.host.peers import frame_head
from ccfpy.testing.disk import MemoryDisk
from tests.exposition import total, value
from tests.unit.host.echo_host import (
    DEADLINE_S,
    NODE,
    PEER,
    Node,
    ask,
    configuration,
    echo_class,
    in_process,
    prepare,
    process,
    running,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    prepare()
    return tmp_path


@pytest.fixture(params=[in_process, process], ids=["in-process", "process"])
def node(request: pytest.FixtureRequest, folder: Path) -> Iterator[Node]:
    with running(folder, request.param) as started:
        yield started


def _take(connection: socket.socket, size: int) -> bytes:
    connection.settimeout(DEADLINE_S)
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        assert more, data
        data += more
    return data


def test_bytes_come_back_and_files_are_written(node: Node) -> None:
    with node.connect() as one, node.connect() as other:
        for number in range(20):
            assert ask(one, b"hello %d" % number) == b"hello %d" % number
        assert ask(other, b"x" * 100_000) == b"x" * 100_000
    node.wait_for("closed 1")
    node.wait_for("closed 2")
    assert "opened 1 on first" in node.log
    assert Path("nodecert.pem").read_bytes() == b"node cert"
    assert Path("service_cert.pem").read_bytes() == b"service cert"
    assert Path("node.pid").read_text() == str(os.getpid())
    pid = os.getpid()
    assert Path(f"ccf_virtual_attestation.{pid}.attestation").read_bytes() == b"{}"
    assert Path(f"ccf_virtual_attestation.{pid}.measurement").read_bytes() == b"[]"
    assert set(json.loads(Path("rpc.addresses").read_text())) == {"first", "echo"}
    assert list(json.loads(Path("node.address").read_text())) == [
        "node_to_node_interface"
    ]
    assert Path("ledger").is_dir()
    assert Path("snapshots").is_dir()


def test_metrics_are_served_beside_everything(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "METRICS_ENCLAVE_MS_MAX", 1000 * DEADLINE_S)
    with node.connect() as client:
        assert ask(client, b"append one") == b"append one"
        text = _scrape(node)
    assert value(text, "ccfpy_sessions_active", interface="first") == 1
    assert value(text, "ccfpy_sessions_limit", interface="first", limit="hard") == 2
    assert value(text, "ccfpy_ledger_append_duration_seconds_count") == 1
    assert value(text, "ccfpy_ledger_fsync_duration_seconds_count") == 1
    assert value(text, "ccfpy_ledger_chunks", chunks="open") == 1
    assert value(text, "ccfpy_ledger_bytes") == Path("ledger/ledger_1").stat().st_size
    assert value(text, "ccfpy_storage_free_bytes", folder="snapshots") > 0
    assert value(text, "ccfpy_build_info", version=VERSION) == 1
    assert value(text, "ccfpy_log_lines_total", level="info") > 3
    assert value(text, "ccfpy_log_lines_dropped_total") == 0
    assert value(text, "ccfpy_boundary_congested_seconds_total") == 0
    assert value(text, "ccfpy_enclave_answers") == 1
    assert value(text, "ccfpy_consensus_view") == 7
    memory = total(text, "ccfpy_process_resident_memory_bytes")
    assert memory > 1 << 20 or sys.platform != "linux"


def _scrape(node: Node) -> str:
    found = re.search(r"Serving metrics at (http://\S+)", node.log)
    assert found is not None, node.log
    with urllib.request.urlopen(found[1], timeout=DEADLINE_S) as answer:
        text: str = answer.read().decode()
    return text


def test_a_line_after_the_identity_in_the_same_step_is_written(node: Node) -> None:
    node.wait_for("identity made")
    booted, certificate, made = (
        node.log.index(words) for words in ("booted", "Output self", "identity made")
    )
    assert booted < certificate < made


def test_entries_are_in_the_ledger_before_their_reply(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"append one") == b"append one"
        assert Path("ledger/ledger_1").read_bytes().endswith(b"one")
        assert ask(client, b"append two") == b"append two"
        entries = Path("ledger/ledger_1").read_bytes()[8:]
        assert ask(client, b"read 2", len(entries)) == entries
        assert ask(client, b"read 9", len(entries)) == entries


def test_a_read_of_entries_that_do_not_exist_is_answered(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"read 1", 4) == b"none"
    assert "The ledger ends at 0: no 1 is there" in node.log


def test_a_snapshot_is_written_made_final_and_read(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"find ") == b"find "
        node.wait_for("snapshot None of 0: ")
        assert ask(client, b"snapshot the state") == b"snapshot the state"
        node.wait_for("Renamed temporary snapshot snapshot_5_7")
        assert ask(client, b"find ") == b"find "
        node.wait_for("snapshot snapshot_5_7.committed of 11: the state{}")
    path = Path("snapshots/snapshot_5_7.committed")
    assert path.read_bytes() == b"the state{}"


def test_blobs_are_kept_in_the_working_directory_and_forgotten_by_series(
    node: Node,
) -> None:
    with node.connect() as client:
        assert ask(client, b"keep this") == b"keep this"
        node.wait_for("blob b'this'")
        node.wait_for("blob None")
    assert Path(".index/4.ab").read_bytes() == b"this"
    assert not Path(".index/3.ab").exists()


def test_a_rollback_of_what_is_committed_stops_the_node(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"append one") == b"append one"
        assert ask(client, b"rollback 0") == b""
    node.wait_for_end()
    assert node.exit_code == 1
    assert "truncation after 0, but 1 is committed. Exiting." in node.log


def test_a_full_disk_stops_the_node_with_one_sentence(folder: Path) -> None:
    disk = MemoryDisk(bytes_max=200)
    with running(folder, in_process, disk=disk) as node, node.connect() as client:
        assert ask(client, b"append one") == b"append one"
        assert ask(client, b"append " + bytes(200), 1) == b""
        node.wait_for_end()
        assert node.exit_code == 1
        sentence = "cannot write the ledger in ledger: no space left on device"
        assert f"{sentence}. Exiting." in node.log
    assert disk.names(Path("ledger")) == ["ledger_1"]


def test_a_session_is_closed_after_its_last_bytes(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"close me") == b"close me"
        assert client.recv(1) == b""
    with node.connect() as client:
        assert ask(client, b"next") == b"next"
    node.wait_for("closed 2")
    assert "closed 1" not in node.log


def test_a_last_answer_reaches_a_client_that_is_still_sending(node: Node) -> None:
    with node.connect() as client:
        client.sendall(b"close me")
        node.wait_until(lambda: bool(client.recv(1, socket.MSG_PEEK)), "the answer")
        client.sendall(bytes(SESSION_LEAVING_BYTES_MAX // 2))
        assert client.recv(100) == b"close me"
        assert client.recv(1) == b""


def test_a_large_reply_arrives_whole(node: Node) -> None:
    with node.connect() as client:
        size = 8_000_000
        assert ask(client, b"flood %d" % size, size) == bytes(size)


def test_connections_far_beyond_the_cap_are_dropped(node: Node) -> None:
    clients = [node.connect() for _ in range(18)]
    for client in clients:
        assert ask(client, b"x") == b"x"
    with node.connect() as late, contextlib.suppress(ConnectionResetError):
        assert late.recv(1) == b""
    for client in clients:
        client.close()
    node.wait_until(lambda: node.log.count("closed") == 18, "18 closed sessions")
    assert "opened 19" not in node.log


def test_datagrams_are_echoed(node: Node) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(DEADLINE_S)
        client.sendto(b"ping", node.address("echo"))
        assert client.recv(100) == b"ping"


def test_what_another_node_sends_reaches_the_enclave(node: Node) -> None:
    address = json.loads(Path("node.address").read_text())["node_to_node_interface"]
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_S) as other:
        other.sendall(frame_head(1, PEER, 5) + b"hello")
        node.wait_for(f"kind 1 from {PEER}: hello")
        node.stdout.other = other
        with node.connect() as client:
            assert ask(client, b"tell you") == b"tell you"
        assert node.stdout.heard_before is False
        sent = frame_head(PeerTraffic.FORWARDED, NODE, 3) + b"you"
        assert _take(other, len(sent)) == sent
        other.sendall(b"nonsense" * 20)
        assert other.recv(1) == b""


def test_entries_leave_for_another_node_behind_their_header(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, node.connect() as client:
        address = "meet {}:{}".format(*other.getsockname()).encode()
        assert ask(client, address) == address
        for word in (b"append one", b"append two", b"append three"):
            assert ask(client, word) == word
        assert ask(client, b"replicate 2 4") == b"replicate 2 4"
        assert ask(client, b"replicate 2 3") == b"replicate 2 3"
        other.settimeout(DEADLINE_S)
        connection, _ = other.accept()
        with connection:
            head = _take(connection, len(frame_head(1, NODE, 0)))
            size = int.from_bytes(head[:4], "little") + 4 - len(head)
            assert head == frame_head(PeerTraffic.CONSENSUS, NODE, size)
            payload = _take(connection, size)
            entries = Path("ledger/ledger_1").read_bytes()
            assert payload == b"head" + entries[entries.index(b"one") + 3 :]
            assert ask(client, b"part") == b"part"
            assert connection.recv(1) == b""
        assert "Unable to send AppendEntries (1, 4]: Ledger read failed" in node.log


def test_a_call_is_relayed_until_its_end(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, node.connect() as client:
        word = "call {}:{}".format(*other.getsockname()).encode()
        assert ask(client, word) == word
        other.settimeout(DEADLINE_S)
        connection, _ = other.accept()
        with connection:
            assert connection.recv(10) == b"ring"
            connection.sendall(b"who is there?")
            assert connection.recv(1) == b""
        node.wait_for("call said who is there?")
        assert ask(client, b"call 127.0.0.1:1") == b"call 127.0.0.1:1"
        node.wait_for("call ended: ")


def test_a_stop_ends_the_node_with_its_code_and_what_follows_is_not_done(
    node: Node,
) -> None:
    with node.connect() as client:
        assert ask(client, b"stop") == b""
    node.wait_for_end()
    assert node.exit_code == 3
    assert "[fatal]" in node.log
    assert node.log.rstrip().endswith("told to stop")


def test_an_entry_out_of_order_stops_the_node(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"gap") == b""
    node.wait_for_end()
    assert node.exit_code == 1
    assert "expected ledger entry 1, was given 99. Exiting." in node.log


def test_a_crash_names_the_place_and_not_the_secret(node: Node) -> None:
    with node.connect() as client:
        assert ask(client, b"crash the-secret") == b""
    node.wait_for_end()
    assert node.exit_code == 1
    assert "ZeroDivisionError at " in node.log
    assert "_obey" in node.log
    assert "the-secret" not in node.log


def test_a_dead_enclave_ends_its_host(folder: Path) -> None:
    with running(folder, process) as node, node.connect() as client:
        assert ask(client, b"exit 7") == b""
        node.wait_for_end()
        assert node.exit_code == 1
        assert "the enclave process ended with code 7. Exiting." in node.log


def test_a_killed_enclave_ends_its_host(folder: Path) -> None:
    with running(folder, process) as node:
        pid = int(node.log.partition("booted ")[2].split()[0])
        assert pid != os.getpid()
        os.kill(pid, signal.SIGKILL)
        node.wait_for_end()
        assert node.exit_code == 1
        assert "the enclave process was killed by signal 9" in node.log


@pytest.mark.slow
def test_an_idle_connection_is_closed(folder: Path) -> None:
    settings = configuration(idle_connection_timeout="1s")
    Path("config.json").write_text(json.dumps(settings))
    with running(folder, in_process) as node, node.connect() as client:
        assert ask(client, b"x") == b"x"
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        node.wait_for("Closing socket 1 after 2s idle (max = 1s)")
        node.wait_for("closed 1")


class _Ticked(InProcessLink):
    """A link that counts the ticks that come alone: each has woken both processes."""

    def __init__(self) -> None:
        super().__init__(echo_class())
        self.count = 0

    def send(self, events: Sequence[Event]) -> None:
        self.count += len(events) == 1 and isinstance(events[0], Tick)
        super().send(events)

    def per_second(self) -> int:
        """Count for a second."""
        before = self.count
        time.sleep(1)
        return self.count - before


@pytest.mark.slow
@pytest.mark.parametrize("has_company", [False, True], ids=["alone", "with others"])
def test_an_idle_node_sleeps_unless_another_node_may_wait_for_it(
    folder: Path, *, has_company: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "REST_AFTER_MS", 100)
    link = _Ticked()
    with running(folder, lambda _: link) as node, contextlib.ExitStack() as others:
        if has_company:
            address = json.loads(Path("node.address").read_text())
            host, port = address["node_to_node_interface"].split(":")
            others.enter_context(socket.create_connection((host, int(port))))
        with node.connect() as client:
            assert ask(client, b"hello") == b"hello"
            time.sleep(0.3)
            assert (link.per_second() <= 11) is not has_company
            monkeypatch.setattr(node_host, "REST_TICK_MS", 3_600_000)
            assert bool(link.per_second()) is has_company or link.per_second() == 0
            ticks = link.count
            assert ask(client, b"hello again") == b"hello again"
            node.wait_until(lambda: link.count >= ticks + 4, "ticks again")
