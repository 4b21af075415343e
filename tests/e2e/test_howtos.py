"""Every how-to works as written: the test makes its files and types its commands."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.moving.build import BUILD, Build, absent
from tests.lab.ports import free_ports
from tests.pages import PORTS, ROOT, Desk, blocks, perform
from tests.softhsm import find_module

TOGETHER = [
    [ROOT / f"docs/howto/{name}.md" for name in names]
    for names in (
        (
            "run-a-network",
            "watch-a-service",
            "when-a-node-dies",
            "replace-a-node",
            "start-from-snapshots",
            "renew-certificates",
            "rekey-the-ledger",
        ),
        ("verify-a-receipt", "verify-a-receipt-elsewhere"),
    )
]
"""Pages that share the service that the first of them starts."""
SHARING = {page for pages in TOGETHER for page in pages}
ELSEWHERE = sorted((ROOT / "docs/howto").glob("deploy-*.md"))
"""Pages that need images and manifests, which tests/deploy has."""
PAGES = sorted(
    page
    for page in (ROOT / "docs/howto").glob("*.md")
    if page.name != "README.md" and page not in {*SHARING, *ELSEWHERE}
)


def _checkout(folder: Path) -> Desk:
    """Return a folder that has what pages use of a checkout."""
    for name in ("governance", "apps", "docs", "ccfpy"):
        (folder / name).symlink_to(ROOT / name)
    evidence = folder / "tests/vectors/attestation"
    evidence.parent.mkdir(parents=True)
    evidence.symlink_to(ROOT / "tests/vectors/attestation")
    return Desk(folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_how_to_works_as_it_is_written(page: Path, tmp_path: Path) -> None:
    if "softhsm2-util" in page.read_text():
        find_module()
    if BUILD in page.read_text() and Build.find() is None:
        pytest.skip(absent())
    _read([page], tmp_path)


@pytest.mark.parametrize("pages", TOGETHER, ids=lambda pages: pages[0].stem)
def test_how_tos_that_share_a_service_work_one_after_the_other(
    pages: Sequence[Path], tmp_path: Path
) -> None:
    _read(pages, tmp_path)


def _read(pages: Sequence[Path], folder: Path) -> None:
    """Run the blocks of pages, in one checkout."""
    port = free_ports(PORTS)[0]
    desk = _checkout(folder)
    with contextlib.ExitStack() as running:
        for page in pages:
            for block in blocks(page, port):
                perform(desk, block, running)


def test_there_are_how_tos_and_all_are_in_the_list() -> None:
    listed = (ROOT / "docs/howto/README.md").read_text()
    assert PAGES
    pages = [*PAGES, *SHARING, *ELSEWHERE]
    assert [page.name for page in pages if f"({page.name})" not in listed] == []
