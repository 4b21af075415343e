"""Completion, by the shells of this machine and by what a script asks."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from ccfpy.base.json import Json
from ccfpy.cli.completion import ASK_TIMEOUT_S, defined_actions, typed_words
from ccfpy.client.review.actions import RENDERINGS
from ccfpy.client.review.dry_run import definitions
from ccfpy.client.share import constitution
from tests.unit.cli.conftest import Command
from tests.unit.cli.test_receipt_fetched import served
from tests.unit.client.conftest import (
    Serve,
    serve,
    server_tls,
    service_key,
    service_pem,
)
from tests.unit.client.review.made import public_state

__all__ = ["serve", "server_tls", "service_key", "service_pem"]

SHELLS = [name for name in ("bash", "zsh", "fish") if shutil.which(name)]

TYPED = {
    "ledg": "ledger",
    "gov vo": "vote",
    "gov vote --re": "--reject",
    "enclave platform re": "require revoke",
    "app bundle --no-": "--no-build",
    "completion f": "fish",
    "gov no-such": "",
}
"""What is typed behind the program's name, and what TAB offers for its last word."""

IN_BASH = """
eval "$(ccfpy completion bash)"
for typed in "$@"; do
    COMP_WORDS=(ccfpy $typed); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _ccfpy_completion ccfpy
    echo "${COMPREPLY[*]}"
done
"""


def _in_shell(*argv: str) -> str:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        argv,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_bash_completes_commands_of_groups_and_their_options() -> None:
    out = _in_shell("bash", "-c", IN_BASH, "bash", *TYPED)
    assert dict(zip(TYPED, out.splitlines(), strict=True)) == TYPED


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_its_script(shell: str, tmp_path: Path, command: Command) -> None:
    script = tmp_path / "script"
    script.write_text(command("completion", shell).out)
    _in_shell(shell, "-n", str(script))


def test_a_shell_that_is_not_known_is_refused(command: Command) -> None:
    ended = command("completion", "tcsh")
    assert ended.code == 2
    assert "bash" in ended.err


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"COMP_WORDS": "ccfpy\ngov\nvo", "COMP_CWORD": "2"}, ["gov"]),
        ({"COMP_WORDS": "ccfpy\ngov\n", "COMP_CWORD": "2"}, ["gov"]),
        ({"COMP_WORDS": "ccfpy gov", "COMP_CWORD": "-1"}, []),
        ({"COMP_WORDS": "ccfpy gov"}, []),
        ({"_TYPER_COMPLETE_ARGS": "ccfpy gov vo"}, ["gov"]),
        ({"_TYPER_COMPLETE_ARGS": "ccfpy gov vote "}, ["gov", "vote"]),
        ({"_TYPER_COMPLETE_ARGS": "ccfpy"}, []),
        ({}, []),
    ],
)
def test_the_word_at_the_cursor_chooses_no_command(
    asked: dict[str, str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert typed_words() == words


SAMPLES = {"basic", "hello", "logging", "scitt"}
OPEN, OTHER, DONE = ("ab" * 32, "ac" * 32, "ad" * 32)
HOSTILE = (
    "a$(b)",
    "x;y",
    "`id`",
    "a b",
    "a'b",
    'a"b',
    "-x",
    "a\nb",
    "\u0430",
    "$HOME",
    "",
)
Offers = Callable[..., set[str]]


@pytest.fixture
def offers(command: Command, monkeypatch: pytest.MonkeyPatch) -> Offers:
    """Return what offers words for the last of some words, as bash asks for them."""

    def offered(*words: object) -> set[str]:
        monkeypatch.setenv("_CCFPY_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", shlex.join(["ccfpy", *map(str, words)]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        ended = command()
        assert (ended.code, ended.err) == (0, "")
        return set(ended.out.split("\n")) - {""}

    return offered


@pytest.fixture
def folder(tmp_path: Path, service_pem: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the sandbox of the working folder leaves it, with odd files too."""
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "workspace" / "sandbox_common"
    found.mkdir(parents=True)
    (found / "service_cert.pem").write_text(service_pem)
    for name in ("member0", "member1", "acme", "user0", *HOSTILE):
        (found / f"{name}_cert.pem").touch()
        (found / f"{name}_privk.pem").touch()
    (found / "stranger_cert.pem").touch()
    return found


class Service:
    """Answers what it is told to: text as text, all else as JSON."""

    url = ""

    def __init__(self) -> None:
        self.replies: dict[str, Json] = {}
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        reply = self.replies[request.path]
        if isinstance(reply, str):
            return web.Response(text=reply)
        return web.json_response(reply)


@pytest.fixture
def service(serve: Serve, folder: Path) -> Iterator[Service]:
    """A service whose nodes left their addresses in the folder."""
    made = Service()
    for _ in served(serve, made.answer, made):
        address = made.url.removeprefix("https://")
        (folder / "0.rpc_addresses").write_text(f'{{"main": "{address}"}}')
        yield made


def _listed(*known: tuple[str, str]) -> dict[str, Json]:
    told: list[Json] = [{"proposalId": id_, "proposalState": s} for id_, s in known]
    return {"/gov/members/proposals": {"value": told}}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("gov vote --as ''", {"member0", "member1", "acme"}),
        ("gov ack --as mem", {"member0", "member1"}),
        ("gov ack --as=ac", {"acme"}),
        ("app deploy --as member0 --as a", {"acme"}),
        ("gov vote --common elsewhere --as ''", {"far"}),
        ("gov vote --common no-such-folder --as ''", set()),
        ("call --as user", {"user0"}),
        ("console --as member1", {"member1"}),
        ("receipt get --as user", {"user0"}),
        ("sandbox --app log", {"logging"}),
        ("sandbox --app ./", set()),
        ("recover somewhere --app basi", {"basic"}),
        ("enclave sign hello", {"hello"}),
        ("enclave measure sci", {"scitt"}),
        ("gov propose --action trigger_s", {"trigger_snapshot"}),
    ],
)
def test_values_are_offered(
    words: str, offered: set[str], offers: Offers, folder: Path
) -> None:
    far = folder.parents[1] / "elsewhere"
    far.mkdir()
    for end in ("cert", "privk"):
        (far / f"far_{end}.pem").touch()
    assert offers(*shlex.split(words)) == offered


def test_the_folder_is_that_of_the_environment(
    offers: Offers, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert offers("gov", "ack", "--as", "") == set()
    monkeypatch.setenv("CCFPY_COMMON", str(folder))
    assert "acme" in offers("gov", "ack", "--as", "")
    monkeypatch.delenv("CCFPY_COMMON")
    monkeypatch.setenv("HOME", str(folder.parent))
    assert "acme" in offers("gov", "ack", "--common", "~/sandbox_common", "--as", "")


def test_samples_are_apps_in_python(offers: Offers) -> None:
    found = offers("sandbox", "--app", "")
    assert found > SAMPLES
    assert not found & {"hello_js", "banking", "README.md"}


@pytest.mark.parametrize("words", ["gov show", "gov vote --reject", "gov withdraw"])
def test_open_proposals_are_offered(
    words: str, offers: Offers, service: Service
) -> None:
    service.replies = _listed((OPEN, "Open"), (OTHER, "Open"), (DONE, "Accepted"))
    typed = words.split()
    assert offers(*typed, "") == {OPEN, OTHER}
    assert service.asked == ["/gov/members/proposals"]
    assert offers(*typed, OTHER[:3]) == {OTHER}
    assert offers(*typed, DONE[:2], "") == set()
    assert offers("gov", "show", "--url", service.url, DONE[:3]) == set()


def test_what_a_service_says_is_offered_only_if_it_is_plain(
    offers: Offers, service: Service
) -> None:
    names = [name for name in HOSTILE if '"' not in name]
    own = [f'actions.set("{name}", new Action(a, b));' for name in (*names, "greet")]
    service.replies = _listed(*((word, "Open") for word in (*HOSTILE, "zz", OPEN)))
    service.replies["/gov/service/constitution"] = "\n".join(own)
    assert offers("gov", "show", "") == {OPEN}
    found = offers("gov", "propose", "--action", "")
    assert found == {*RENDERINGS, "greet"}


@pytest.mark.parametrize(
    "reply", [None, [], {"value": None}, {"value": [[]]}, {"value": [{}]}, "no JSON"]
)
def test_an_odd_answer_offers_nothing(
    reply: Json, offers: Offers, service: Service
) -> None:
    service.replies = {"/gov/members/proposals": reply}
    assert offers("gov", "show", "") == set()
    assert service.asked == ["/gov/members/proposals"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://x", "https://["])
def test_without_a_service_nothing_is_offered(url: str, offers: Offers) -> None:
    assert offers("gov", "show", "--url", url, "") == set()


def test_a_service_that_is_not_trusted_is_not_believed(
    offers: Offers, folder: Path, service: Service, service_folder: Path
) -> None:
    service.replies = _listed((OPEN, "Open"))
    other = service_folder / "service_cert.pem"
    assert offers("gov", "show", "--cacert", other, "") == set()
    (folder / "service_cert.pem").unlink()
    assert offers("gov", "show", "") == set()
    assert not service.asked


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_service_that_says_nothing_is_waited_for_a_second(offers: Offers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        offers("gov", "show", "--url", "https://127.0.0.1:1", "")  # imports
        began = time.monotonic()
        assert offers("gov", "show", "--url", url, "") == set()
        assert ASK_TIMEOUT_S <= time.monotonic() - began < 5 * ASK_TIMEOUT_S


@pytest.mark.slow
def test_the_actions_are_those_that_the_constitution_would_list() -> None:
    rules = "\n".join(path.read_text() for path in constitution("simulated"))
    listed = {each.name for each in definitions(public_state(rules=rules))}
    assert set(RENDERINGS) | set(defined_actions(rules)) == listed


def test_a_constitution_of_empty_lines_takes_little_time() -> None:
    assert [*defined_actions("\n" * 200_000)] == []


def test_actions_are_found_as_ccf_writes_them() -> None:
    rules = """
    // actions.set("commented", new Action(
    const actions = new Map([
      [
        "remove_user",
        new Action(f, g),
      ],
    ]);
    actions.set("greet", new Action(f, g));
    define("own", { args });
    define(name, checkType(args.name, "string"));
    """
    assert {*defined_actions(rules)} == {"remove_user", "greet", "own"}
