"""The commands as people run them: separate processes, their output, exit codes."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ccfpy.audit.chunks import arrange
from ccfpy.base.limits import PROPOSAL_DEPTH_MAX
from ccfpy.crypto.certs import Certificate
from tests.attacks import attack
from tests.e2e import http2
from tests.e2e.running import DEADLINE_S, Running, children, wait_gone

USER, MEMBER = "user0", "member0"


def _run(
    *words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ccfpy.cli.main", *map(str, words)],
        cwd=cwd,
        env=os.environ | dict(env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Shell:
    """Commands that talk to one service."""

    def __init__(self, service: Running) -> None:
        self.service = service
        self._env = {
            "CCFPY_URL": service.url,
            "CCFPY_COMMON": str(service.options.shared),
        }

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return _run(*words, env=self._env)

    def ok(self, *words: str | Path) -> str:
        """Run a command that must succeed; return its output."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str | Path) -> dict[str, Any]:
        """Run a command that must print one JSON object."""
        value: dict[str, Any] = json.loads(self.ok(*words, "--json"))
        return value

    def asked(
        self, *words: str | Path, answer: str, meanwhile: Callable[[], object]
    ) -> tuple[int, str, str]:
        """Run a command at a terminal, whose person answers its question.

        Args:
            words: the command's.
            answer: the line that is typed.
            meanwhile: what others do while the person reads.

        Returns:
            The exit code, and what was printed and told.
        """
        ours, terminal = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "ccfpy.cli.main", *map(str, words)],
            env=os.environ | self._env,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as running:
            os.close(terminal)
            assert running.stderr is not None, "it is a pipe"
            told = b""
            while not told.endswith(b"[y/N] ") and (read := running.stderr.read(1)):
                told += read
            meanwhile()
            os.write(ours, f"{answer}\n".encode())
            printed, rest = running.communicate(timeout=DEADLINE_S)
        os.close(ours)
        return running.returncode, printed.decode(), (told + rest).decode()

    def refused(self, *words: str | Path, code: int = 1) -> str:
        """Run a command that must fail with one sentence; return the sentence."""
        done = self.run(*words)
        assert done.returncode == code, (done.stdout, done.stderr)
        (sentence,) = done.stderr.splitlines()
        assert sentence.startswith("ccfpy: ")
        assert "Traceback" not in done.stderr
        return sentence


@pytest.fixture
def shell(service: Running) -> Shell:
    """A shell whose variables name the module's service."""
    return Shell(service)


def test_call_writes_waits_and_reads(shell: Shell) -> None:
    written = shell.run(
        "call", "/app/log/private", "--as", USER, "-d", '{"id": 1, "msg": "hi"}',
        "--commit",
    )  # fmt: skip
    assert (written.returncode, written.stdout) == (0, "true")
    assert re.fullmatch(r"committed: 2\.\d+\n", written.stderr)
    assert shell.ok("call", "/app/log/private?id=1", "--as", USER) == '{"msg":"hi"}'
    reply = shell.json("call", "/app/log/private?id=1", "--as", USER)
    assert (reply["status"], reply["body"]) == (200, {"msg": "hi"})


def test_call_reads_a_body_from_a_file_and_shows_headers(
    shell: Shell, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"id": 2, "msg": "from a file"}')
    out = shell.ok("call", "/app/log/public", "--as", USER, "-d", f"@{body}", "-i")
    assert out.startswith("HTTP 200\n")
    assert "x-ms-ccf-transaction-id: 2." in out


def test_call_fails_where_the_service_refuses(shell: Shell) -> None:
    done = shell.run("call", "/app/log/private?id=1")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "InvalidAuthenticationInfo"
    assert "status 401" in done.stderr


def test_call_names_what_it_does_not_find(shell: Shell, tmp_path: Path) -> None:
    assert "choose one of" in shell.refused(
        "call", "/node/state", "--as", "nobody", code=2
    )
    assert "begin it with /" in shell.refused("call", "node/state", code=2)
    assert "ccfpy sandbox" in shell.refused("call", "/node/state", "--common", tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{unused.getsockname()[1]}"
        assert "no answer from" in shell.refused("call", "/node/state", "--url", url)


def test_members_propose_vote_and_look(shell: Shell, tmp_path: Path) -> None:
    action = {"name": "set_recovery_threshold", "args": {"recovery_threshold": 2}}
    document = tmp_path / "proposal.json"
    document.write_text(json.dumps({"actions": [action]}))
    proposed = shell.json("gov", "propose", document)
    id_ = proposed["proposalId"]
    assert proposed["proposalState"] == "Open"
    shown = shell.json("gov", "show", id_)
    assert (shown["proposalState"], shown["actions"]) == ("Open", [action])
    listed = shell.ok("gov", "list")
    assert f"{id_} Open by member0: set_recovery_threshold" in listed
    digest = sha256(document.read_bytes()).hexdigest()
    told = shell.refused("gov", "vote", id_, "--sha256", "0" * 64)
    assert f"has the SHA-256 {digest}, and not {'0' * 64}: nothing was signed" in told
    shell.ok("gov", "vote", id_, "--as", "member1", "--reject")
    assert shell.json("gov", "vote", id_[:12])["proposalState"] == "Open"
    told = shell.ok("gov", "show", id_[:12])
    assert "member1 (" in told
    assert "to pass: 1 more vote in favour, of member2 (" in told
    assert "configuration of the service: changed" in told
    assert f"  SHA-256: {digest}" in told
    bound = ("--sha256", digest.upper())
    last = shell.json("gov", "vote", id_, "--as", "member2", *bound)
    assert (last["proposalState"], last["ballotCount"]) == ("Accepted", 3)
    assert "ProposalNotOpen" in shell.refused("gov", "withdraw", id_)


@attack("gov: a proposal that the engine reads and members' tools do not")
def test_what_cannot_be_shown_is_voted_for_by_who_insists(
    shell: Shell, tmp_path: Path
) -> None:
    deep = "[" * (PROPOSAL_DEPTH_MAX + 1) + "]" * (PROPOSAL_DEPTH_MAX + 1)
    document = tmp_path / "proposal.json"
    document.write_text(
        f'{{"actions":[{{"name":"trigger_snapshot","args":{{}}}}],"x":{deep}}}'
    )
    id_ = shell.json("gov", "propose", document)["proposalId"]
    assert "(It cannot be shown)" in shell.ok("gov", "list")
    told = shell.ok("gov", "show", id_)
    assert "it cannot be shown: do not vote for it" in told
    assert "│ readers may differ about what it says" in told
    told = shell.refused("gov", "vote", id_)
    assert "nothing was signed: the proposal cannot be shown" in told
    shell.ok("gov", "vote", id_, "--reject")
    shell.ok("gov", "vote", id_, "--as", "member1", "--unseen")
    shell.ok("gov", "withdraw", id_)


def test_the_worst_of_proposals_is_named_first(shell: Shell, tmp_path: Path) -> None:
    """What a run finds too; of a proposal that was not run that is said."""
    rules = tmp_path / "rules.js"
    rules.write_text(
        "export function validate (input) { return { valid: true } }\n"
        "export function resolve (p, proposer, votes) {\n"
        "  return votes.some((v) => v.vote) ? 'Accepted' : 'Open' }\n"
        "export function apply (proposal, proposalId) {}\n"
    )
    id_ = shell.json(
        "gov", "propose", "--action", "set_constitution", "--arg",
        f"constitution=@{rules}",
    )["proposalId"]  # fmt: skip
    other = _set_user_data(shell, "clerk")
    listed = shell.run("gov", "list")
    (line,) = [line for line in listed.stdout.splitlines() if id_ in line]
    assert "(One member would decide alone; replace the rules" in line
    assert line.endswith(")")
    (line,) = [line for line in listed.stdout.splitlines() if other in line]
    assert line.endswith("), not run")
    assert "says what would come of one that was not run" in listed.stderr
    shown = shell.ok("gov", "show", id_)
    assert shown.startswith(f"Proposal {id_}: One member would decide alone; ")
    shell.ok("gov", "withdraw", id_)
    shell.ok("gov", "withdraw", other, "--as", "member1")


def _set_user_data(shell: Shell, role: str) -> str:
    """Propose a role for a user who is not there yet, and return the proposal's id."""
    data = json.dumps({"role": role})
    proposed = shell.json(
        "gov", "propose", "--action", "set_user_data", "--as", "member1",
        "--arg", f"user_id={'ab' * 32}", "--arg", f"user_data={data}",
    )  # fmt: skip
    return str(proposed["proposalId"])


@attack("gov: another proposal is accepted while a member reads one")
def test_a_member_votes_on_what_was_shown_alone(shell: Shell) -> None:
    """Others' votes on it are no part of that; another proposal's acceptance is."""
    id_ = _set_user_data(shell, "clerk")
    ask = ("gov", "vote", id_, "--ask", "--as")
    code, shown, told = shell.asked(*ask, "member0", answer="n", meanwhile=lambda: None)
    assert code == 1
    assert shown.startswith(f"Proposal {id_}: Attach data to a user\n")
    assert "Vote for it? [y/N] " in told
    assert "nothing was changed, as you wished" in told
    code, shown, told = shell.asked(
        *ask,
        "member0",
        answer="y",
        meanwhile=lambda: shell.ok("gov", "vote", id_, "--as", "member1", "--reject"),
    )
    assert (code, told) == (0, "Vote for it? [y/N] ")
    assert shown.endswith(f"{id_} is Open, 2 ballots\n")

    def accept_another() -> None:
        other = _set_user_data(shell, "owner")
        for name in ("member0", "member1"):
            shell.ok("gov", "vote", other, "--as", name)

    code, shown, told = shell.asked(
        *ask, "member2", answer="y", meanwhile=accept_another
    )
    assert code == 1
    assert "nothing was signed: what would come of the proposal is no longer" in told
    assert f"user {'ab' * 32}: would change otherwise than you read" in told
    left = shell.ok("gov", "withdraw", id_, "--as", "member1")
    assert left == f"{id_} is Withdrawn, 2 ballots\n"


def test_a_member_withdraws_a_proposal_of_one_action(shell: Shell) -> None:
    stranger = shell.service.options.keys("newcomer").certificate
    proposed = shell.json(
        "gov", "propose", "--action", "set_user", "--arg", f"cert=@{stranger}",
        "--as", "member1",
    )  # fmt: skip
    id_ = proposed["proposalId"]
    assert "such as" in shell.ok("gov", "show", id_)
    out = shell.ok("gov", "withdraw", id_[:12], "--as", "member1")
    assert "is Withdrawn" in out


def test_ids_are_given_by_their_beginnings(shell: Shell) -> None:
    sentence = shell.refused("gov", "vote", "no-such")
    assert sentence.startswith("ccfpy: no proposal begins with 'no-such': there is ")
    member = Certificate.from_pem(
        shell.service.options.keys("member1").certificate.read_text()
    ).digest_hex
    proposed = shell.json(
        "gov", "propose", "--action", "set_member_data", "--as", member[:12],
        "--arg", f"member_id={member[:12]}", "--arg", 'member_data={"of": "tests"}',
    )  # fmt: skip
    assert proposed["proposerId"] == member
    told = shell.ok("gov", "show", proposed["proposalId"][:12])
    assert f"member_id: {member}" in told
    sentence = shell.refused(
        "gov", "propose", "--action", "remove_node", "--arg", "node_id=zz"
    )
    assert sentence.startswith("ccfpy: no node begins with 'zz': there is ")
    shell.ok("gov", "withdraw", proposed["proposalId"], "--as", "member1")


def test_the_actions_of_the_service_are_listed(shell: Shell) -> None:
    told = shell.ok("gov", "actions", "set_user")
    assert "    cert: a valid X509 certificate" in told
    assert "    [user_data]: object" in told
    assert "no action" in shell.refused("gov", "actions", "no_such")


def test_a_proposal_that_the_constitution_refuses_fails(shell: Shell) -> None:
    sentence = shell.refused("gov", "propose", "--action", "no_such_action")
    assert "ProposalFailedToValidate" in sentence
    assert "or --action" in shell.refused("gov", "propose", code=2)


def test_a_member_acknowledges_the_state(shell: Shell) -> None:
    digest = shell.json("gov", "ack", "--as", "member2")["stateDigest"]
    assert re.fullmatch(r"[0-9a-f]{64}", digest)


def test_receipts_are_fetched_verified_and_explained(
    shell: Shell, tmp_path: Path
) -> None:
    reply = shell.json(
        "call", "/app/log/public", "--as", USER, "-d", '{"id": 3, "msg": "proved"}'
    )
    txid = reply["headers"]["x-ms-ccf-transaction-id"]
    file = tmp_path / "receipt.json"
    shell.ok("receipt", "get", txid, "-o", file)
    verified = shell.json("receipt", "verify", file)
    assert (verified["verified"], verified["transaction"]) == (True, txid)
    explained = shell.ok("receipt", "explain", file)
    for step in ("evidence", "leaf", "root", "signature", "endorsement"):
        assert step in explained
    damaged = json.loads(file.read_text())
    damaged["leaf_components"]["write_set_digest"] = "00" * 32
    file.write_text(json.dumps(damaged))
    assert "signature step" in shell.refused("receipt", "verify", file)
    done = shell.run("receipt", "verify", file, "--json")
    assert (done.returncode, json.loads(done.stdout)["failed"]) == (1, "signature")
    assert "signature step" in shell.run("receipt", "explain", file).stderr
    file.write_text("{")
    assert "holds no receipt" in shell.refused("receipt", "verify", file)
    assert "2.15" in shell.refused("receipt", "get", "nonsense", code=2)


def test_receipts_are_had_in_other_forms_and_from_the_app(
    shell: Shell, tmp_path: Path
) -> None:
    body = '{"id": 4, "msg": "claimed", "record_claim": true}'
    reply = shell.json("call", "/app/log/public", "--as", USER, "-d", body)
    txid = reply["headers"]["x-ms-ccf-transaction-id"]
    claims, file = tmp_path / "claims", tmp_path / "receipt"
    claims.write_text("claimed")
    expected = ("--transaction", txid, "--claims", claims)
    for form in ("v1", "v2", "cose"):
        shell.ok("receipt", "get", txid, "--form", form, "-o", file)
        verified = shell.json("receipt", "verify", file, *expected)
        assert (verified["verified"], verified["transaction"]) == (True, txid)
    shell.ok("receipt", "get", txid, "--from", "/app/receipt", "-o", file)
    shell.ok("receipt", "verify", file, *expected)
    asked = (
        "receipt",
        "get",
        txid,
        "--from",
        "/app/log/public/historical_receipt?id=4",
    )
    assert "withholds the claims" in shell.refused(*asked, "--as", USER)
    shell.ok(*asked, "--as", USER, "--claims", claims, "-o", file)
    shell.ok("receipt", "verify", file, *expected)
    words = ("receipt", "get", txid, "--form", "endorsements")
    assert "no receipt of the form endorsements" in shell.refused(*words)


@pytest.fixture
def ledger(service: Running, tmp_path: Path) -> Path:
    """Return a copy of the service's ledger while the node continues to write."""
    folder = tmp_path / "ledger"
    shutil.copytree(service.ledger, folder)
    return folder


def _chunks(ledger: Path) -> list[Path]:
    return [ledger / str(name) for name in arrange(p.name for p in ledger.iterdir())]


def test_a_ledger_is_verified_while_it_grows(ledger: Path) -> None:
    done = _run("ledger", "verify", ledger)
    assert done.returncode == 0
    assert "The ledger is whole" in done.stdout
    findings = [
        json.loads(line)
        for line in _run("ledger", "verify", ledger, "--json").stdout.splitlines()
    ]
    assert findings[-1]["finding"] == "Summary"
    assert findings[-1]["is_damaged"] is False


def test_a_ledger_is_shown(ledger: Path) -> None:
    done = _run("ledger", "show", ledger, "--to", "1", "--json")
    first = json.loads(done.stdout)
    assert first["transaction"] == "2.1"
    assert "public:ccf.gov.constitution" in first["tables"]
    done = _run("ledger", "show", ledger, "--tables", "gov.proposals", "--full")
    assert "transition_service_to_open" in done.stdout


def test_a_cut_ledger_ends_with_a_tail(ledger: Path) -> None:
    first, *later = _chunks(ledger)
    for path in later:
        path.unlink()
    data = bytearray(first.read_bytes()[:-5])
    data[:8] = bytes(8)  # as a writer leaves it that never closed the file
    (ledger / "ledger_1").write_bytes(data)
    if first.name != "ledger_1":
        first.unlink()
    done = _run("ledger", "verify", ledger)
    assert done.returncode == 0
    assert "nobody vouches yet" in done.stdout


def test_a_changed_ledger_is_damaged_at_a_place(ledger: Path) -> None:
    changed = _chunks(ledger)[0]
    data = bytearray(changed.read_bytes())
    data[data.index(b"transition_service_to_open")] ^= 1
    changed.write_bytes(data)
    done = _run("ledger", "verify", ledger)
    assert done.returncode == 1
    assert f"DAMAGED: {changed.name} at " in done.stdout
    assert "Traceback" not in done.stderr
    findings = [
        json.loads(line)
        for line in _run("ledger", "verify", ledger, "--json").stdout.splitlines()
    ]
    assert [f["position"] > 0 for f in findings if f["finding"] == "Damage"] == [True]


@pytest.mark.parametrize("size", [0, 1, 8, 20, 50, 5000])
def test_a_truncated_ledger_never_brings_a_command_down(
    ledger: Path, size: int
) -> None:
    cut = _chunks(ledger)[0]
    cut.write_bytes(cut.read_bytes()[:size])
    for command in ("verify", "show"):
        done = _run("ledger", command, ledger)
        assert done.returncode in (0, 1)
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) <= 1


@contextmanager
def _sandbox(
    folder: Path, *options: str
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """Start a sandbox; return its process and its output about itself."""
    command = [sys.executable, "-m", "ccfpy.cli.main", "sandbox", "--json"]
    process = subprocess.Popen(
        [*command, "--node", "local://127.0.0.1:0", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_sandbox_opens_a_service_and_stops_on_request(tmp_path: Path) -> None:
    """It also speaks HTTP/2, which our own commands do not."""
    options = ("--initial-user-count", "2", "--http2")
    with _sandbox(tmp_path, *options) as (process, facts):
        common = tmp_path / "workspace" / "sandbox_common"
        assert facts["common"] == str(common)
        for name in ("member0_enc_privk.pem", "user1_cert.pem", "service_cert.pem"):
            assert (common / name).is_file()
        txid = facts["transaction"]
        read = _run("call", "/app/log/private?id=42", "--as", "user1", cwd=tmp_path)
        assert json.loads(read.stdout) == {"msg": "Hello, ledger"}
        assert _run("receipt", "get", txid, cwd=tmp_path).returncode == 0
        trust = common / "service_cert.pem"
        answer = http2.ask(facts["http2_url"], "GET", "/node/state", trust=trust)
        assert answer.status == 200
        (enclave,) = children(facts["pid"])
        folder = tmp_path / "workspace" / "sandbox_0" / "0.ledger"
        refused = _run("recover", folder, "--yes", cwd=tmp_path)
        assert refused.returncode == 1
        assert "it is not lost" in refused.stderr
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0
    assert err.count("✓") == 4
    assert "The node has stopped" in err
    wait_gone(facts["pid"])
    wait_gone(enclave)
    assert _run("ledger", "verify", folder).returncode == 0


def test_sandbox_ends_with_its_node(tmp_path: Path) -> None:
    with _sandbox(tmp_path) as (process, facts):
        os.kill(facts["pid"], signal.SIGTERM)
        _, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 1
    assert "ccfpy: the node ended by itself: " in err
    assert "Traceback" not in err


def test_sandbox_says_that_its_port_is_taken(service: Running, tmp_path: Path) -> None:
    place = service.url.removeprefix("https://")
    done = _run("sandbox", "--node", f"local://{place}", cwd=tmp_path)
    assert done.returncode == 1
    assert "is taken: stop what listens there" in done.stderr
    assert "--node" in done.stderr


def test_sandbox_tells_why_its_node_does_not_start(tmp_path: Path) -> None:
    done = _run(
        "sandbox", "--node", "local://127.0.0.1:0", "--app", "no_such_app", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "no application 'no_such_app'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove variables that the person who runs the tests may have set."""
    for name in ("WORKSPACE", "INITIAL_MEMBER_COUNT", "CCFPY_URL", "CCFPY_COMMON"):
        monkeypatch.delenv(name, raising=False)
