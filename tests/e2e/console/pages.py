"""The console's page in a real browser: starting, opening, reading."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Browser, Locator, Page, Route, expect

from ccfpy.base.json import Json, JsonObject
from ccfpy.cli.gov_proposals import listed_proposals
from ccfpy.client.governance import Governance, ProposalStatus
from ccfpy.client.keys import FileSigner
from tests.e2e.running import Running

DEADLINE_MS = 20_000
RUN_MS = 90_000
"""For what a run of the constitution tells, which another process starts for."""
MEMBERS = ("member0", "member1", "member2")
Result = TypeVar("Result")


NOTE: JsonObject = {
    "summary": "Keep a note",
    "parameters": [
        {
            "name": "name",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
        },
        {"name": "mark", "in": "query", "schema": {"type": "string"}},
        {"name": "x-why", "in": "header", "schema": {"type": "string"}},
    ],
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"note": "an example"},
            }
        }
    },
}
"""What the app says of the endpoint that writes."""
NOTES = """\
export function write (request) {
    const told = {
        name: request.params.name,
        query: request.query,
        why: request.headers["x-why"],
        kept: request.body.json(),
    };
    ccf.kv["notes"].set(ccf.strToBuf(told.name), ccf.jsonCompatibleToBuf(told));
    return { body: told };
}
"""


HOLD_FRAMES = """(() => {
    const own = { requestAnimationFrame, setTimeout };
    const held = [];
    for (const name of Object.keys(own)) window[name] = (work) => (held.push(work), 0);
    window.releaseFrames = () => {
        Object.assign(window, own);
        held.forEach((work) => work(performance.now()));
    };
})()"""


ANSWERED = """async () => {
    const answer = await fetch(location.href);
    await crypto.subtle.digest("SHA-256", await answer.arrayBuffer());
}"""
"""Does what the page does with an answer, and so ends after that."""


def signer(service: Running, name: str) -> FileSigner:
    return FileSigner.load(service.options.keys(name))


def apart(work: Callable[[], Result]) -> Result:
    """Work in another thread: the browser's own loop runs in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def propose(service: Running, *actions: JsonObject) -> str:
    def proposed() -> str:
        with service.connect() as anybody:
            member = Governance(anybody.connection, signer(service, "member1"))
            created = anybody.run(member.propose(list(actions)))
        return str(created.proposal_id)

    return apart(proposed)


def withdraw_what_is_open(service: Running) -> None:
    """Withdraw each open proposal in its proposer's name, so that none waits."""
    members = [signer(service, name) for name in MEMBERS]
    of_id = {member.certificate.digest_hex: member for member in members}

    def withdrawn() -> None:
        with service.connect() as anybody:
            for listed in anybody.run(listed_proposals(anybody.connection)):
                status = ProposalStatus.of(listed)
                if status.is_open:
                    proposer = of_id[status.proposer_id]
                    member = Governance(anybody.connection, proposer)
                    anybody.run(member.withdraw(status.proposal_id))

    apart(withdrawn)


def thing_app(policy: str, *, changed: int = 0) -> JsonObject:
    """Return an action that installs an app: twelve endpoints read, and one writes."""
    endpoints: dict[str, Json] = {}
    modules: list[Json] = []
    for number in range(12):
        asked = policy if number == 7 else "user_cert"
        endpoints[f"/thing/{number}"] = {
            "get": {
                "js_module": f"thing{number}.js",
                "js_function": "read",
                "authn_policies": [asked],
                "mode": "readonly",
                "forwarding_required": "never",
                "openapi": {},
            }
        }
        answer = 1 if number < changed else 0
        text = f"export function read (request) {{ return {{ body: {answer} }} }}\n"
        modules.append({"name": f"thing{number}.js", "module": text})
    endpoints["/thing/{name}/note"] = {
        "put": {
            "js_module": "note.js",
            "js_function": "write",
            "authn_policies": ["user_cert"],
            "mode": "readwrite",
            "forwarding_required": "always",
            "openapi": NOTE,
        }
    }
    modules.append({"name": "note.js", "module": NOTES})
    bundle: Json = {"metadata": {"endpoints": endpoints}, "modules": modules}
    return {"name": "set_js_app", "args": {"bundle": bundle}}


def set_user_data(user_id: str, data: Json = None) -> JsonObject:
    """Return an action that changes one user's data, or removes them."""
    args: JsonObject = {"user_id": user_id}
    if data is not None:
        args["user_data"] = data
    return {"name": "set_user_data", "args": args}


@contextmanager
def console(
    service: Running | None, *options: str, terminal: int | None = None
) -> Iterator[str]:
    """Run the command, at a terminal or not; yield the address that it prints."""
    environment = {}
    if service is not None:
        environment = {
            "CCFPY_URL": service.url,
            "CCFPY_COMMON": str(service.options.shared),
            "XDG_CACHE_HOME": str(service.options.workspace / "cache"),
        }
    process = subprocess.Popen(
        [sys.executable, "-m", "ccfpy.cli.main", "console", *options],
        env=os.environ | environment,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#token=\S+", address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
        assert "Traceback" not in said


@contextmanager
def opened(browser: Browser, address: str, *, dark: bool = False) -> Iterator[Page]:
    """Open the page; fail for errors, and for requests to anywhere else."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 800},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    origin = address.partition("/#")[0]
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((origin, "data:"))
            else wrong.append(request.url)
        ),
    )
    page.goto(address)
    yield page
    assert wrong == []
    context.close()


def go(page: Page, place: str) -> None:
    """Follow a link within the page."""
    page.evaluate(f"location.hash = {place!r}")


def go_to_proposal(page: Page, proposal_id: str) -> None:
    """Follow a link to a proposal, and wait for what would come of it."""
    go(page, f"/proposals/{proposal_id}")
    await_run(page)


def await_run(page: Page) -> None:
    """Wait until the constitution has run over the proposal that is shown."""
    running = page.get_by_text("Running the constitution over the proposal")
    expect(running).to_have_count(0, timeout=RUN_MS)


@contextmanager
def without_frames(page: Page) -> Iterator[None]:
    """Hold back what the page does later than at once, until the end.

    A slow machine draws a frame long after a key, and the next key comes before it: the
    page has to have its focus in place without one.
    """
    page.evaluate(HOLD_FRAMES)
    yield
    page.evaluate("releaseFrames()")


def picture(
    page: Page, name: str, *, dark: bool = False, of: Locator | None = None
) -> None:
    """Keep a picture for the documentation, where the environment asks for it."""
    folder = os.environ.get("CCFPY_PICTURES")
    if folder:
        page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
        theme = "-dark" if dark else ""
        (of or page).screenshot(path=Path(folder) / f"{name}{theme}.png")


def cast(page: Page, choice: str) -> None:
    """Vote ``in favour`` or ``against``: a click, and the answer to one question."""
    page.get_by_role("button", name=f"Vote {choice}", exact=True).click()
    question = page.get_by_role("group", name=f"Vote {choice}?")
    expect(question).to_contain_text("It cannot be changed.")
    question.get_by_role("button", name=f"Yes, vote {choice}").click()


def see(page: Page, text: str) -> None:
    expect(page.locator("main")).to_contain_text(text, timeout=DEADLINE_MS)


class Late:
    """The first answer to a question, which arrives when the test says so."""

    def __init__(
        self, page: Page, asked: str, *, changed: tuple[str, str] = ("", "")
    ) -> None:
        self._page, self._held = page, list[Route]()
        self._changed, self._told, self._status = changed, "", 0
        page.route(asked, self._hold, times=1)

    def _hold(self, route: Route) -> None:
        answer = route.fetch()
        self._told = answer.text().replace(*self._changed)
        self._status = answer.status
        self._held.append(route)

    def wait(self) -> None:
        """Wait until the question is asked and its answer is known."""
        deadline = time.monotonic() + DEADLINE_MS / 1000
        while not self._held:
            assert time.monotonic() < deadline
            self._page.wait_for_timeout(10)

    def arrive(self) -> None:
        """Bring the answer, and wait until the page has it."""
        with self._page.expect_response(self._held[0].request.url) as response:
            self._held[0].fulfill(status=self._status, body=self._told)
        response.value.finished()
        self._page.evaluate(ANSWERED)
