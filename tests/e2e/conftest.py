"""One opened service for each module of tests that asks for it."""

import sys
from collections.abc import Iterator

import pytest

from tests.e2e.running import Running, running_node

if not sys.platform.startswith("linux"):
    collect_ignore_glob = ["test_*.py"]  # the tests look at processes through /proc


@pytest.fixture(scope="session", autouse=True)
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A simulated machine of the tests, which is not the user's."""
    place = tmp_path_factory.mktemp("machine") / "platform.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CCFPY_VIRTUAL_PLATFORM", str(place))
        yield


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service of three members, open to ``user0`` alone."""
    folder = tmp_path_factory.mktemp("service")
    with running_node(folder, members=3, extra={"api_page": True}) as running:
        running.open(["user0"])
        yield running
