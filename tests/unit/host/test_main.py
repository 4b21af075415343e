"""The command line from start to exit code, and a real process under signals."""

import contextlib
import errno
import hashlib
import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from ccfpy.base.version import VERSION
from ccfpy.host.arguments import parse_arguments
from ccfpy.host.launch import executable_digest
from ccfpy.host.main import read_configuration, run
from ccfpy.testing.disk import MemoryDisk, Operation
from tests.e2e.running import wait_until
from tests.e2e.stopping import runs

PROGRAM = Path(__file__).with_name("echo_node.py")
DEADLINE_S = 30


def _configuration(**also: object) -> dict[str, object]:
    return {
        "network": {
            "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
            "rpc_interfaces": {"first": {"bind_address": "127.0.0.1:0"}},
        },
        "command": {
            "type": "Start",
            "start": {
                "members": [{"certificate_file": "member.pem"}],
                "constitution_files": ["a.js"],
            },
        },
        "output_files": {"rpc_addresses_file": "rpc.addresses"},
    } | also


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("member.pem").write_text("a certificate")
    Path("a.js").write_text("a")
    Path("config.json").write_text(json.dumps(_configuration()))
    return tmp_path


def _run(*argv: str) -> tuple[int, str]:
    stdout = io.BytesIO()
    code = run("app", argv, executable=PROGRAM, stdout=stdout)
    return code, stdout.getvalue().decode()


def test_the_version_is_two_lines() -> None:
    for option in ("-v", "--version"):
        assert _run(option) == (0, f"CCF host: {VERSION}\nPlatform: Virtual\n")


def test_help_lists_the_options() -> None:
    code, text = _run("--help")
    assert code == 0
    for option in ("--config", "--config-timeout", "--check", "--log-level"):
        assert option in text


def test_a_check_reads_the_file_and_does_nothing_else() -> None:
    before = sorted(Path().iterdir())
    code, text = _run("--config=config.json", "--check")
    assert code == 0
    assert "Configuration file successfully verified" in text
    assert sorted(Path().iterdir()) == before


def _make_a_ledger() -> None:
    Path("ledger").mkdir()
    Path("ledger/ledger_1").touch()


REFUSALS: dict[str, tuple[list[str], Callable[[], object], str]] = {
    "no configuration": ([], lambda: None, "--config is required"),
    "an unknown option": (
        ["--config", "config.json", "--confg"],
        lambda: None,
        "unrecognized arguments: --confg; run with --help",
    ),
    "an unknown level": (
        ["--config", "config.json", "--log-level", "loud"],
        lambda: None,
        "'loud' is not one of trace, debug, info, fail, fatal",
    ),
    "a bad duration": (
        ["--config", "config.json", "--config-timeout", "soon"],
        lambda: None,
        "not a time: 'soon'",
    ),
    "a missing file": (
        ["--config", "nowhere.json"],
        lambda: None,
        (
            "cannot read configuration file nowhere.json: no such file or directory; "
            "correct --config"
        ),
    ),
    "no JSON": (
        ["--config", "config.json"],
        lambda: Path("config.json").write_text("{"),
        "Error parsing configuration file config.json: not JSON",
    ),
    "a broken schema": (
        ["--config", "config.json"],
        lambda: Path("config.json").write_text("{}"),
        (
            "Error validating JSON schema for configuration file config.json: "
            "'network' is missing; add it"
        ),
    ),
    "an enclave that is not to be had": (
        ["--config", "config.json", "--enclave", "in-process"],
        lambda: None,
        "leave out --enclave in-process",
    ),
    "a ledger that exists": (
        ["--config", "config.json"],
        _make_a_ledger,
        "On start, ledger directory should not exist or be empty (ledger)",
    ),
    "a constitution that is missing": (
        ["--config", "config.json"],
        lambda: Path("a.js").unlink(),
        (
            "cannot read 'a.js', which command.start.constitution_files names: "
            "no such file or directory; put the file there or correct the path"
        ),
    ),
    "an address that is nobody's": (
        ["--config", "config.json"],
        lambda: Path("config.json").write_text(
            json.dumps(
                _configuration(
                    network={
                        "node_to_node_interface": {"bind_address": "203.0.113.7:80"},
                        "rpc_interfaces": {},
                    }
                )
            )
        ),
        "give network.node_to_node_interface another bind_address",
    ),
    "a sealing place that cannot be": (
        ["--config", "config.json"],
        lambda: Path("config.json").write_text(
            json.dumps(
                _configuration(
                    output_files={"sealed_ledger_secret_location": "config.json/x"}
                )
            )
        ),
        "correct output_files.sealed_ledger_secret_location",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_to_start_is_one_line_at_fatal(name: str) -> None:
    argv, prepare, reason = REFUSALS[name]
    prepare()
    code, text = _run(*argv)
    assert code == 105
    fatal = [line for line in text.splitlines() if "[fatal]" in line]
    assert len(fatal) == 1
    assert reason in fatal[0]
    assert text.endswith(fatal[0] + "\n")
    assert not Path("node.pid").exists(), "the next try would be refused for it"


def test_a_pid_file_that_exists_is_the_last_word() -> None:
    Path("node.pid").write_text("1")
    code, text = _run("--config", "config.json")
    assert code == 103
    *_, remedy, last = text.splitlines()
    assert last.endswith("PID file node.pid already exists. Exiting.")
    assert "process 1 of node.pid runs: stop it if" in remedy
    assert Path("node.pid").read_text() == "1"
    assert not Path("ledger").exists()


def test_the_log_may_be_json() -> None:
    settings = _configuration(logging={"format": "Json"})
    Path("config.json").write_text(json.dumps(settings))
    code, text = _run("--config", "config.json", "--check")
    assert code == 0
    assert [json.loads(line)["level"] for line in text.splitlines()] == ["info"] * 2


def test_a_defect_is_one_line_at_fatal_too() -> None:
    def fail(app: str) -> NoReturn:
        raise ZeroDivisionError(app)

    stdout = io.BytesIO()
    code = run(
        "app",
        ["--config", "config.json", "--enclave", "in-process"],
        in_process=fail,
        stdout=stdout,
    )
    assert code == 1
    last = stdout.getvalue().decode().splitlines()[-1]
    assert "[fatal]" in last
    assert "Exception in the host: ZeroDivisionError('app') at fail:" in last


def test_a_disk_that_fails_at_the_start_is_one_sentence_and_leaves_no_pid_file() -> (
    None
):
    def fault(operation: Operation, path: Path) -> None:
        if operation is Operation.NAMES and path == Path("ledger"):
            raise OSError(errno.EIO, "Input/output error")

    disk = MemoryDisk()
    disk.make_directory(Path("ledger"))
    disk.fault = fault
    recover = {"type": "Recover", "recover": {"previous_service_identity_file": "a.js"}}
    Path("config.json").write_text(json.dumps(_configuration(command=recover)))
    stdout = io.BytesIO()
    code = run(
        "app", ["--config", "config.json"], executable=PROGRAM, stdout=stdout, disk=disk
    )
    assert code == 1
    last = stdout.getvalue().decode().splitlines()[-1]
    assert last.endswith("| cannot take up the ledger in ledger: input/output error"), (
        last
    )
    assert not Path("node.pid").exists()


def _with_streams(redirection: str, *argv: str) -> subprocess.CompletedProcess[str]:
    command = f'exec "$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", command, "sh", sys.executable, str(PROGRAM), *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_streams_that_are_full_or_closed_cost_a_command_its_words_alone() -> None:
    full = _with_streams(">/dev/full", "--version")
    assert (full.returncode, full.stdout) == (103, "")
    assert full.stderr == "cannot write to stdout: no space left on device\n"
    both = _with_streams(">/dev/full 2>/dev/full", "--version")
    assert (both.returncode, both.stdout, both.stderr) == (103, "", "")
    closed = _with_streams(">&- 2>&- <&-", "--config", "nowhere.json")
    assert (closed.returncode, closed.stdout, closed.stderr) == (105, "", "")
    told = _with_streams(">/dev/full", "--config", "nowhere.json")
    assert told.returncode == 105
    assert told.stderr.startswith("cannot read configuration file nowhere.json: ")
    assert told.stderr.count("\n") == 1


def test_a_file_that_comes_late_is_waited_for() -> None:
    arguments = parse_arguments(
        ["--config", "late.json", "--config-timeout", "10s"], program="node"
    )
    Path("late.json").write_text("{")
    timer = threading.Timer(0.05, lambda: Path("late.json").write_text("{}"))
    timer.start()
    assert read_configuration(arguments) == b"{}"
    timer.join()


def test_a_program_is_measured_through_its_links(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to(PROGRAM)
    expected = hashlib.sha256(PROGRAM.read_bytes()).hexdigest()
    assert executable_digest(link) == expected


class _Process:
    def __init__(self) -> None:
        self.log = Path("out")
        with self.log.open("wb") as out, Path("err").open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, str(PROGRAM), "--config", "config.json"],
                stdout=out,
                stderr=err,
                env={},
            )
        self.wait_for("Output service certificate")

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.text:
            assert time.monotonic() < deadline, self.text
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(0.01)

    @property
    def enclave(self) -> int:
        return int(self.text.partition("booted ")[2].split()[0])

    def connect(self) -> socket.socket:
        address = json.loads(Path("rpc.addresses").read_text())["first"]
        host, port = address.split(":")
        return socket.create_connection((host, int(port)), timeout=DEADLINE_S)


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[_Process]:
    settings = _configuration(**getattr(request, "param", {}))
    Path("config.json").write_text(json.dumps(settings))
    started = _Process()
    yield started
    started.popen.kill()
    started.popen.wait(DEADLINE_S)
    assert Path("err").read_bytes() == b""


def _where_nobody_is() -> dict[str, object]:
    return {
        "network": {
            "node_to_node_interface": {"bind_address": "no.such.host.invalid:8000"},
            "rpc_interfaces": {"first": {"bind_address": "127.0.0.1:0"}},
        }
    }


@pytest.mark.newest
@pytest.mark.parametrize("process", [_where_nobody_is()], indirect=True)
def test_a_node_that_other_nodes_cannot_reach_serves_its_clients(
    process: _Process,
) -> None:
    assert "No other node can reach this one: cannot listen on no.such" in process.text
    with process.connect() as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


@pytest.mark.newest
@pytest.mark.parametrize(
    ("number", "word"),
    [
        (signal.SIGTERM, "Terminated"),
        (signal.SIGHUP, "Hangup"),
        (signal.SIGINT, "Interrupt"),
    ],
)
def test_a_signal_stops_the_node_in_peace(
    process: _Process, number: int, word: str
) -> None:
    enclave = process.enclave
    process.popen.send_signal(number)
    assert process.popen.wait(DEADLINE_S) == 0
    assert f"{word}: Shutting down enclave gracefully..." in process.text
    assert f"{word}: stopped" in process.text
    assert not Path(f"/proc/{enclave}").exists()


@pytest.mark.newest
@pytest.mark.parametrize("process", [{"ignore_first_sigterm": True}], indirect=True)
def test_a_first_sigterm_may_be_a_notice(process: _Process) -> None:
    process.popen.send_signal(signal.SIGTERM)
    process.wait_for("Terminated: Notifying enclave, but not shutting down.")
    process.wait_for("notice taken")
    with process.connect() as client:
        client.sendall(b"still here")
        assert client.recv(100) == b"still here"
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(DEADLINE_S) == 0


@pytest.mark.newest
@pytest.mark.parametrize("process", [{"ignore_first_sigterm": True}], indirect=True)
def test_a_hangup_is_never_only_a_notice(process: _Process) -> None:
    process.popen.send_signal(signal.SIGHUP)
    assert process.popen.wait(DEADLINE_S) == 0


@pytest.mark.newest
def test_the_enclave_dies_with_its_host(process: _Process) -> None:
    enclave = process.enclave
    process.popen.kill()
    process.popen.wait(DEADLINE_S)
    wait_until(lambda: not runs(enclave), what="the enclave's end")


@pytest.mark.newest
def test_the_enclave_inherits_two_pipes_and_three_variables(process: _Process) -> None:
    enclave = Path(f"/proc/{process.enclave}")
    links = {link.name: str(link.readlink()) for link in (enclave / "fd").iterdir()}
    kinds = sorted(target.partition(":")[0] for target in links.values())
    assert kinds == ["/dev/null", "/dev/null", "/dev/null", "pipe", "pipe"]
    names = [
        variable.partition("=")[0]
        for variable in (enclave / "environ").read_text().split("\0")
        if variable
    ]
    assert sorted(names) == [
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
        "PYTHONPATH",
    ]
