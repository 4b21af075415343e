"""A service of one node for each sample, with a member and a user."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpy.app import App
from ccfpy.testing.node import InProcessNode, Person

CONSTITUTION = "\n".join(
    (Path(__file__).parents[2] / "governance/constitutions/default" / name).read_text()
    for name in ("actions.js", "validate.js", "resolve.js", "apply.js")
)
MEMBER = Person.make("member0", can_recover=True)
USER = Person.make("user0")
STRANGER = Person.make("stranger")


def _serve(app: App) -> InProcessNode:
    node = InProcessNode(app, constitution=CONSTITUTION, members=[MEMBER])
    node.open_service(USER)
    return node


@pytest.fixture(scope="module")
def serve() -> Callable[[App], InProcessNode]:
    return _serve


@pytest.fixture(scope="session")
def member() -> Person:
    return MEMBER


@pytest.fixture(scope="session")
def user() -> Person:
    return USER


@pytest.fixture(scope="session")
def stranger() -> Person:
    return STRANGER
