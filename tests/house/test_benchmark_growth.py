"""Benchmarks of growth, networks and peers parse their inputs correctly."""

import base64
import json
import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks import commits, keys, length, network, peers, scale, sessions
from benchmarks.growing import traffic
from benchmarks.growing.service import writes
from benchmarks.growing.traffic import CountingNetwork, Said
from benchmarks.harness import processes
from benchmarks.harness.asking import Asked
from benchmarks.harness.figure import Figure
from benchmarks.length import Stretch
from benchmarks.servers import etcd, pysyncobj_cluster
from benchmarks.servers.rate import Rate


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    named = {figure.name: figure for figure in figures}
    assert len(named) == len(figures)
    return named


def asked(*, cpu_us: float = 50, per_s: float = 1000) -> Asked:
    return Asked(cpu_us=cpu_us, per_s=per_s, p50_ms=1, p99_ms=2)


# Growth


def seen(cpu_us: list[float], *, mib: float, snapshot_cpu_s: float) -> keys.Seen:
    return keys.Seen(
        resident_mib=mib,
        written=[asked(cpu_us=each) for each in cpu_us],
        disturbed=[asked()],
        snapshot_cpu_s=snapshot_cpu_s,
        snapshot_s=1,
    )


def test_the_most_keys_are_compared_with_the_least() -> None:
    few = seen([50, 40], mib=100, snapshot_cpu_s=0.1)
    many = seen([75, 100], mib=150, snapshot_cpu_s=1.1)
    named = by_name(list(keys.growth({1_000: few, 101_000: many})))
    times = named["CPU of a write, 101,000 keys to 1,000"]
    assert times.values == (1.5, 2.5)
    assert not times.is_exceeded(1)
    snapshot = named["CPU of a snapshot for each further key"]
    assert snapshot.median == pytest.approx(10)
    memory = named["memory for a million keys of 100 bytes"]
    assert memory.median == pytest.approx(500)
    assert len(by_name(list(keys.costs(1_000, few)))) == 6


def test_a_join_from_fewer_keys_has_less_time() -> None:
    assert keys.join_budget_s(1_000_000) == 60
    assert keys.join_budget_s(100_000) == 10.5


@pytest.mark.parametrize("count", [1, 999, 1000, 100_000])
def test_writes_are_spread_over_all_keys(count: int) -> None:
    paths = [request.split()[1] for request in writes(count).requests]
    numbers = [int(path.rpartition(b"/")[2]) for path in paths]
    assert len(set(numbers)) == len(numbers) == min(count, 1000)
    assert max(numbers) < count
    assert max(numbers) >= count - -(-count // 1000)


def test_the_last_stretch_is_compared_with_the_second() -> None:
    stretches = [
        Stretch(transactions=1000 * at, cpu_us=(cpu_us, 1, 1000), resident_mib=10)
        for at, cpu_us in enumerate((90, 50, 55, 61), 1)
    ]
    named = by_name(list(length.figures(stretches)))
    last = named["CPU of a write, the last stretch to the second"]
    assert last.median == pytest.approx(1.22)
    assert last.is_exceeded(1)


def test_sessions_are_told_by_the_thousand_and_a_leak_shows_from_round_to_round() -> (
    None
):
    still, leaking = (
        list(sessions.figures(30, after_mib, 500))
        for after_mib in ([100, 110, 111, 111], [100, 110, 120, 130])
    )
    assert [figure.median for figure in still] == [60, 2]
    assert [figure.is_exceeded(1) for figure in still] == [False, False]
    assert leaking[1].median == 40
    assert leaking[1].is_exceeded(1)


# Networks


def test_networks_are_compared_with_one_node_turn_by_turn() -> None:
    told = {
        1: [asked(per_s=1000, cpu_us=50), asked(per_s=2000, cpu_us=50)],
        3: [asked(per_s=700, cpu_us=80), asked(per_s=1000, cpu_us=100)],
    }
    named = by_name(list(network.figures(told)))
    ratio = named["3 nodes: writes a second, to one node's"]
    assert ratio.values == (0.7, 0.5)
    further = named["3 nodes: CPU of each further node for a write, to the first's"]
    assert further.values == pytest.approx((0.3, 0.5))


def test_without_one_node_there_is_nothing_to_compare_with() -> None:
    assert len(list(network.figures({3: [asked()]}))) == 2


def test_a_part_of_the_writes_is_told_by_the_slowest_of_them() -> None:
    times = tuple(float(at) for at in range(1, 101))
    assert commits.part(times, 0.5) == 50
    assert commits.part(times, 0.99) == 99
    assert commits.part(times, 1) == 100
    assert commits.part((7.0,), 0.99) == 7
    assert commits.part((7.0, 8.0, 9.0), 0.5) == 8


def test_half_of_the_commits_at_rest_have_a_budget_on_three_nodes() -> None:
    took_ms = tuple(float(at) for at in range(1, 101))
    told = [commits.Commits(at_rest_ms=took_ms, loaded_ms=took_ms, cpu_us=50)]
    early = by_name(list(commits.of_nodes(3, told)))
    assert [figure.median for figure in early.values()] == [50, 99, 50, 99]
    half = early["3 nodes, at rest: half of the writes within"]
    assert half.budget == 10
    assert [figure.budget for figure in early.values()] == [10, None, None, None]
    for interval_ms in (10, 100, 1000):
        at_rest, loaded, cpu = commits.of_interval(3, interval_ms, told)
        assert (at_rest.median, loaded.median) == (50, 50)
        assert (cpu.unit, cpu.median, cpu.scales) == ("µs", 50, True)


@pytest.fixture(scope="module")
def three() -> CountingNetwork:
    return CountingNetwork.opened(3)


def test_one_node_says_nothing() -> None:
    alone = CountingNetwork.opened(1)
    assert traffic.at_rest(alone).messages == 0
    said = traffic.one_by_one(alone)
    assert (said.messages, said.writes) == (0, traffic.SINGLE_WRITES)
    assert said.entries >= said.writes


def test_at_rest_each_backup_is_told_ten_times_a_second_and_answers(
    three: CountingNetwork,
) -> None:
    said = traffic.at_rest(three)
    assert said.messages == 2 * 2 * 10 * traffic.IDLE_MS / 1000
    assert said.entries == 0
    assert 100 < said.sent_bytes / said.messages < 200


def test_every_entry_reaches_every_backup_once(three: CountingNetwork) -> None:
    said = traffic.in_batches(three)
    assert said.writes <= said.entries < 1.1 * said.writes
    assert 2 * said.entry_bytes < said.sent_bytes < 2.2 * said.entry_bytes
    assert said.messages < said.writes / 2, "they are gathered"


def test_a_further_node_that_costs_more_than_the_others_shows() -> None:
    def said(sent_bytes: int) -> Said:
        return Said(messages=1, sent_bytes=sent_bytes, entries=1, entry_bytes=1)

    (linear,) = scale.per_backup({1: said(0), 3: said(200), 15: said(1400)}, "at rest")
    (square,) = scale.per_backup({1: said(0), 3: said(900), 15: said(22_500)}, "")
    assert linear.median == 1
    assert not linear.is_exceeded(1)
    assert square.is_exceeded(1)


# Peers


def test_a_put_is_a_grpc_message() -> None:
    # A length of four bytes, big-endian; then field 1 and field 2, with their sizes.
    assert etcd.grpc_put(b"k", b"v" * 3) == b"\0\0\0\0\x08\n\x01k\x12\x03vvv"
    with pytest.raises(AssertionError, match="one byte"):
        etcd.grpc_put(b"k", b"v" * 128)


def test_a_put_is_json_of_base64() -> None:
    fields = json.loads(etcd.json_put(b"key", b"value"))
    assert {name: base64.b64decode(text) for name, text in fields.items()} == {
        "key": b"key",
        "value": b"value",
    }


def test_what_is_not_installed_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert etcd.missing() == (
        "etcd was not asked: apt install etcd-server nghttp2-client brings it."
    )
    for name in etcd.PROGRAMS:
        (tmp_path / name).touch(mode=0o755)
    assert etcd.missing() is None
    monkeypatch.setattr(pysyncobj_cluster, "PYTHON", tmp_path / "python")
    assert pysyncobj_cluster.missing() == (
        "PySyncObj was not asked: make .venv-peers/installed brings it."
    )
    (tmp_path / "python").touch()
    assert pysyncobj_cluster.missing() is None


def test_peers_stand_beside_us_and_are_compared_in_the_same_turn() -> None:
    def rates(*cpu_us: float) -> list[Rate]:
        return [Rate(cpu_us=each, per_s=1e6 / each) for each in cpu_us]

    told = {
        "ccfpy": rates(50, 90),
        "etcd, JSON": rates(100, 60),
        "other": rates(10, 20),
    }
    named = by_name(list(peers.figures(3, 1, told)))
    cpu = named["CPU of a put, 3 nodes, 1 connection"]
    assert list(cpu.values) == [50, 90]
    assert cpu.peers == {"etcd, JSON": 80, "other": 15}
    ratio = named["CPU to that of etcd, JSON, 3 nodes, 1 connection"]
    assert ratio.values == (0.5, 1.5)
    alone = by_name(list(peers.figures(1, 100, {"ccfpy": rates(50)})))
    assert [dict(figure.peers) for figure in alone.values()] == [{}, {}]


def test_a_load_that_nothing_answered_is_a_mistake() -> None:
    assert Rate.of(4, spent_s=1e-3, took_s=2) == Rate(cpu_us=250, per_s=2)
    with pytest.raises(AssertionError, match="nothing was answered"):
        Rate.of(0, spent_s=1, took_s=1)


# Processes


def test_the_time_and_memory_of_another_process_are_read(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys; held = bytes([1]) * 50_000_000\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'])\n"
        "print('begun', flush=True); input()"
    )
    words = [[sys.executable, "-c", program]]
    with processes.started(words, log=tmp_path / "log") as (process,):
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        own, child = processes.family([process.pid])
        assert own == process.pid
        assert child != own
        assert processes.resident_mib(own) > 40
        assert 0 < processes.cpu_s([own]) < 60
    assert process.returncode is not None
    assert not process_is_alive(own)


def test_memory_is_not_a_share_of_what_others_have_too(tmp_path: Path) -> None:
    shared = tmp_path / "library"
    shared.write_bytes(bytes([1]) * 20_000_000)
    program = (
        "import mmap, sys; file = open(sys.argv[1], 'rb')\n"
        "held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); sum(held[::4096])\n"
        "print('begun', flush=True); input()"
    )
    words = [[sys.executable, "-c", program, str(shared)]]
    with processes.started(words, log=tmp_path / "log") as (process,):
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        alone = processes.resident_mib(process.pid)
        with processes.started(words * 4, log=tmp_path / "others") as others:
            for other in others:
                assert other.stdout is not None
                assert other.stdout.readline() == "begun\n"
            assert processes.resident_mib(process.pid) == pytest.approx(alone, abs=0.2)


def process_is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def fail_beside(words: list[str], log: Path, begun: list[int]) -> None:
    with processes.started([words] * 2, log=log) as both:
        begun += [process.pid for process in both]
        raise RuntimeError


def test_processes_are_ended_when_the_question_fails(tmp_path: Path) -> None:
    begun: list[int] = []
    with pytest.raises(RuntimeError):
        fail_beside([sys.executable, "-c", "input()"], tmp_path / "log", begun)
    assert [process_is_alive(pid) for pid in begun] == [False, False]


def test_waiting_ends_with_what_was_waited_for() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"waited 0.1 s for spring"):
        processes.wait_until(lambda: False, "spring", timeout_s=0.1)
    assert time.monotonic() - began >= 0.1


# The page that explains how cost grows

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()


def rows_of_page() -> dict[int, list[float]]:
    """Return the table of messages between nodes, by the number of nodes."""
    rows = {}
    section = PAGE.partition("## Nodes")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip().replace(",", "") for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[0].isdigit():
            rows[int(cells[0])] = [float(cell) for cell in cells[1:]]
    return rows


def test_the_page_tells_of_as_many_nodes_as_the_question_asks() -> None:
    assert tuple(rows_of_page()) == scale.NODES


def test_the_page_tells_what_three_nodes_say_to_each_other() -> None:
    network = CountingNetwork.opened(3)
    said = traffic.at_rest(network), traffic.one_by_one(network)
    busy = traffic.in_batches(network)
    counted = [figure.median for figure in scale.of_nodes(3, said[0], said[1], busy)]
    # Signatures are at random a byte longer or shorter.
    assert rows_of_page()[3] == pytest.approx(counted, rel=0.01)


def test_by_the_page_cost_is_proportional_to_the_number_of_backups() -> None:
    rows = rows_of_page()
    bytes_columns = 1, 3, 5
    for nodes, row in rows.items():
        for column in bytes_columns:
            expected = rows[3][column] * (nodes - 1) / 2
            assert row[column] == pytest.approx(expected, rel=0.03), nodes
