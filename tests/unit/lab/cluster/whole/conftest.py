"""A stage with a service on it."""

from collections.abc import Iterator

import pytest

from tests.lab.cluster.whole.interception import interception
from tests.lab.cluster.whole.stage import Stage


@pytest.fixture
def new_stage() -> Iterator[Stage]:
    """A service of one node that is not open yet."""
    with interception(2):
        stage = Stage(2)
        stage.start()
        yield stage


@pytest.fixture
def stage(new_stage: Stage) -> Stage:
    """An open service of three nodes."""
    for line in ("join 0", "pass 200", "join 0", "pass 200", "open", "pass 200"):
        new_stage.do(line)
    return new_stage
