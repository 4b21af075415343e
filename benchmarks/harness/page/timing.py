"""A browser, and how long the page takes to show something."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium")
DEADLINE_MS = 120_000


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start Chromium, whose loop runs in this thread from then on."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def timed(act: Callable[[], object], seen: Callable[[], object]) -> float:
    """Return the seconds from an act until something is seen."""
    began = time.monotonic()
    act()
    seen()
    return time.monotonic() - began
