"""One ledger with something of everything, and who is to read it."""

import pytest

from tests.interop.environments import Tools, install
from tests.interop.service import MadeService, make_service


@pytest.fixture(scope="session", params=[6, 7], ids=["ccf6", "ccf7"])
def tools(request: pytest.FixtureRequest) -> Tools:
    """Each line of CCF's tools in turn."""
    line: int = request.param
    return install(line)


@pytest.fixture(scope="session")
def ccf7() -> Tools:
    """CCF 7's tools, for what CCF 6's do not do."""
    return install(7)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeService:
    """A service that lived through much, and its ledger's files."""
    return make_service(tmp_path_factory.mktemp("made") / "ledger")
