"""The stand-ins for CCF's programs keep the contract that those who start them know."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ccfpy.base.json import JsonObject, dumps, loads_object
from ccfpy.cli.main import main
from ccfpy.client.share import constitution
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.local.configuration import Placement, ServiceOptions, founder
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.e2e.running import DEADLINE_S, children, wait_gone, wait_until

CONFIG_FILE = "0.config.json"
APP = "samples/apps/logging/logging"
ENVIRONMENT = {"UBSAN_OPTIONS": "print_stacktrace=1", "TSAN_OPTIONS": ""}
START = ["--config", CONFIG_FILE, "--log-level", "info"]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every stand-in."""
    folder = tmp_path_factory.mktemp("prefix")
    with pytest.raises(SystemExit) as ended:
        main(["compat", "install", "--prefix", str(folder)])
    assert not ended.value.code
    return folder


@pytest.fixture
def folder(prefix: Path, tmp_path: Path) -> Path:
    """A node's folder as CCF's tests make it: program and configuration are links."""
    options = ServiceOptions(
        workspace=tmp_path,
        app="logging",
        program=(),
        constitution=constitution("default"),
    )
    ProcessNetwork(options).make_keys(options.members)
    node = NodeProcess(options, 0, Placement())
    node.prepare(founder(options, Placement()), trusted=None)
    written, elsewhere = node.folder / CONFIG_FILE, options.shared / CONFIG_FILE
    shutil.move(written, elsewhere)
    written.symlink_to(elsewhere)
    (node.folder / "logging").symlink_to(prefix / APP)
    return node.folder


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Where a test puts the processes it starts, to be ended whatever happens."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def _start(folder: Path, options: Sequence[str] = START) -> "subprocess.Popen[bytes]":
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        return subprocess.Popen(
            ["./logging", *options], cwd=folder, env=ENVIRONMENT, stdout=out, stderr=err
        )


def _to_its_end(folder: Path, options: Sequence[str]) -> tuple[int, list[str]]:
    """Run a program that ends by itself; give its code and its log."""
    code = _start(folder, options).wait(DEADLINE_S)
    assert (folder / "err").read_bytes() == b""
    return code, (folder / "out").read_text().splitlines()


def _wait_started(folder: Path, process: "subprocess.Popen[bytes]") -> None:
    wanted = ["0.pem", "service_cert.pem", "0.rpc_addresses", "0.node_address"]

    def has_started() -> bool:
        assert process.poll() is None, (folder / "out").read_text()
        return all((folder / name).is_file() for name in wanted)

    wait_until(has_started, what="files of a node that runs")


def _configure(folder: Path, change: JsonObject) -> None:
    config = folder / CONFIG_FILE
    config.write_bytes(dumps(loads_object(config.read_bytes()) | change))


def test_a_node_writes_the_files_that_others_wait_for(
    folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    process = _start(folder)
    started.append(process)
    _wait_started(folder, process)
    assert (folder / "node.pid").read_text().strip() == str(process.pid)
    addresses = json.loads((folder / "0.rpc_addresses").read_bytes())
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", addresses["primary_rpc_interface"])
    assert list(json.loads((folder / "0.node_address").read_bytes())) == [
        "node_to_node_interface"
    ]
    assert (folder / "0.ledger").is_dir()
    assert (folder / "0.snapshots").is_dir()
    Certificate.from_pem((folder / "service_cert.pem").read_text())
    node = Certificate.from_pem((folder / "0.pem").read_text())
    assert len(sha256_hex(node.public_key_der)) == 64
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
    assert (folder / "err").read_bytes() == b""


def test_the_program_is_measured_by_its_script(
    prefix: Path, folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    process = _start(folder)
    started.append(process)
    _wait_started(folder, process)
    (measured,) = folder.glob("ccf_virtual_attestation.*.measurement")
    digest = hashlib.sha256((prefix / APP).read_bytes()).hexdigest()
    assert json.loads(measured.read_bytes()) == {
        "measurement": "Insecure hard-coded virtual measurement v1",
        "host_data": digest,
    }
    (evidence,) = folder.glob("ccf_virtual_attestation.*.attestation")
    assert json.loads(evidence.read_bytes())["host_data"] == digest


def test_the_process_that_was_started_is_the_one_that_serves(
    folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    process = _start(folder)
    started.append(process)
    _wait_started(folder, process)
    (enclave,) = children(process.pid)
    sockets = [
        path
        for path in Path(f"/proc/{process.pid}/fd").iterdir()
        if str(path.readlink()).startswith("socket:")
    ]
    assert len(sockets) >= 3  # two listeners and the channel to the enclave
    process.send_signal(signal.SIGHUP)
    assert process.wait(DEADLINE_S) == 0
    wait_gone(enclave)
    assert "Hangup: " in (folder / "out").read_text()


def test_log_lines_have_the_form_that_is_searched(
    folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    process = _start(folder)
    started.append(process)
    _wait_started(folder, process)
    process.send_signal(signal.SIGTERM)
    process.wait(DEADLINE_S)
    lines = (folder / "out").read_text().splitlines()
    form = re.compile(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z {8}\d{1,3} +"
        r"\[(trace|debug|info |fail |fatal)\](\[\w+\])? .{1,}\| .*"
    )
    first, last = lines[0], lines[-1]
    assert form.fullmatch(first), first
    assert form.fullmatch(last), last


def test_log_lines_can_be_json(
    folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    _configure(folder, {"logging": {"format": "Json"}})
    process = _start(folder)
    started.append(process)
    _wait_started(folder, process)
    process.send_signal(signal.SIGTERM)
    process.wait(DEADLINE_S)
    for line in (folder / "out").read_text().splitlines():
        assert list(json.loads(line)) == [
            "h_ts", "thread_id", "level", "tag", "file", "number", "msg"
        ]  # fmt: skip


def test_a_pid_file_that_is_there_stops_the_start(folder: Path) -> None:
    (folder / "node.pid").write_text("1")
    code, lines = _to_its_end(folder, START)
    assert code != 0
    assert lines[-1].endswith("PID file node.pid already exists. Exiting.")
    assert "[fatal]" in lines[-1]


def test_a_ledger_that_is_there_stops_the_start(folder: Path) -> None:
    (folder / "0.ledger").mkdir()
    (folder / "0.ledger" / "ledger_1").touch()
    code, lines = _to_its_end(folder, START)
    assert code != 0
    said = "On start, ledger directory should not exist or be empty (0.ledger)"
    assert any(said in line for line in lines)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"network": 1}', '{"command": {"type": "Dance"}}', "\0"]
)
def test_a_configuration_that_makes_no_sense_is_refused(
    folder: Path, text: str
) -> None:
    (folder / CONFIG_FILE).write_text(text)
    for options in (START, [f"--config={CONFIG_FILE}", "--check"]):
        code, lines = _to_its_end(folder, options)
        assert code > 0
        assert len(lines) <= 2
        assert "[fatal]" in lines[-1]
        assert CONFIG_FILE in lines[-1]
    assert not (folder / "node.pid").exists()


def test_check_validates_and_has_no_other_effect(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()} | {"out", "err"}
    code, _ = _to_its_end(folder, [f"--config={CONFIG_FILE}", "--check"])
    assert code == 0
    assert {path.name for path in folder.iterdir()} == before


def test_a_late_configuration_is_waited_for(
    folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    late = folder / CONFIG_FILE
    target = late.readlink()
    late.unlink()
    process = _start(folder, [*START, "--config-timeout", "10s"])
    started.append(process)
    late.symlink_to(target)
    _wait_started(folder, process)


def test_a_missing_configuration_is_not_waited_for_unless_asked(folder: Path) -> None:
    code, lines = _to_its_end(folder, ["--config", "elsewhere.json"])
    assert code > 0
    assert "elsewhere.json" in lines[-1]


def test_the_version_is_told(prefix: Path, tmp_path: Path) -> None:
    for option in ("-v", "--version"):
        done = subprocess.run(
            [prefix / APP, option],
            env={},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith("CCF host: ")
        assert "\nPlatform: Virtual\n" in done.stdout
        assert done.stderr == ""


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--nonsense"],
        ["--config"],
        [*START, "--log-level", "loud"],
        [*START, "--config-timeout", "soon"],
        [*START, "surplus"],
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(
    folder: Path, options: list[str]
) -> None:
    code, lines = _to_its_end(folder, options)
    assert code > 0
    assert "[fatal]" in lines[-1]


def test_the_first_sigterm_can_be_a_notice(
    folder: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    _configure(folder, {"ignore_first_sigterm": True})
    process = _start(folder)
    started.append(process)
    _wait_started(folder, process)
    process.send_signal(signal.SIGTERM)
    said = "Notifying enclave, but not shutting down."
    wait_until(lambda: said in (folder / "out").read_text(), what="notice")
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0


def test_keys_are_generated_as_by_ccfs_script(prefix: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [prefix / "bin/keygenerator.sh", "--name", "member7", "--gen-enc-key"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {
        "member7_privk.pem",
        "member7_cert.pem",
        "member7_enc_privk.pem",
        "member7_enc_pubk.pem",
    }


def test_the_sandbox_script_starts_a_service_and_brings_it_back(
    prefix: Path, tmp_path: Path
) -> None:
    done = sandbox(prefix, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "service opened by its member" in done.stdout
    common = tmp_path / "workspace/sandbox_common"
    assert (common / "user0_privk.pem").is_file()
    lost = (common / "service_cert.pem").read_text()
    ledger = tmp_path / "workspace/sandbox_0/0.ledger"
    again = sandbox(
        prefix, tmp_path, "--recover", "--ledger-dir", ledger, "--common-dir", common
    )
    assert again.returncode == 0, again.stderr
    assert "service recovered by its member" in again.stdout
    assert (common / "predecessor_service_cert.pem").read_text() == lost
    assert (common / "service_cert.pem").read_text() != lost
    (tmp_path / "empty").mkdir()
    failed = sandbox(
        prefix,
        tmp_path,
        *("--recover", "--ledger-dir", tmp_path / "empty", "--common-dir", common),
    )
    assert failed.returncode == 1
    assert "did not start" in failed.stderr
    given_back = (common / "predecessor_service_cert.pem").read_text()
    assert (common / "service_cert.pem").read_text() == given_back


def sandbox(
    prefix: Path, folder: Path, *options: str | Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            prefix / "bin/sandbox.sh",
            "--node",
            "local://127.0.0.1:0",
            "--package",
            prefix / APP,
            "--auto-shutdown",
            *options,
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
