"""One service with an app, one console that reads it, and one browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from ccfpy.client.governance import Governance
from ccfpy.console.server import NoPage, read_page
from tests.e2e.console.pages import (
    DEADLINE_MS,
    MEMBERS,
    console,
    propose,
    signer,
    thing_app,
    withdraw_what_is_open,
)
from tests.e2e.running import Running, running_node

CHROMIUM = shutil.which("chromium")
HERE = Path(__file__).parent
expect.set_options(timeout=DEADLINE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test here as slow, and skip it where there is no Chromium.

    The tests of a file run in one process, one after another, with one browser.
    """
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium"))


def _is_built() -> bool:
    try:
        read_page()
    except NoPage:
        return False
    return True


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An open service of three members, with an app that a vote installed."""
    if not _is_built():
        pytest.skip("the page is not built: make console")
    with running_node(
        tmp_path_factory.mktemp("service"), app="js_generic", members=len(MEMBERS)
    ) as running:
        running.open(["user0"])
        proposal_id = propose(running, thing_app("user_cert"))
        with running.connect() as anybody:
            for name in ("member0", "member1"):
                member = Governance(anybody.connection, signer(running, name))
                anybody.run(member.vote(proposal_id))
        yield running


@pytest.fixture
def nothing_waits(service: Running) -> None:
    """No proposal is open, whatever tests ran before on the same service."""
    withdraw_what_is_open(service)


@pytest.fixture(scope="session")
def reading(service: Running) -> Iterator[str]:
    """The address of a console without a key, which reads the ledger too."""
    with console(service, "--ledger", str(service.ledger)) as address:
        yield address


@pytest.fixture(scope="module")
def browser(service: Running) -> Iterator[Browser]:  # noqa: ARG001 - it starts first
    """Debian's Chromium, for one file: its loop runs in this thread, where none begins.

    Other tests of this process begin theirs, so that the browser ends with its file.
    """
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield launched
        launched.close()
