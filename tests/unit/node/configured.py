"""A node of one service in the test's process, with a configuration of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.endpoints.application import Application
from ccfpy.testing.configuration import boot_of, listener, starting
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.surroundings import Alone
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.h2_session import http2_listener

Kind = TypeVar("Kind", bound=InProcessNode)


def configured(
    kind: type[Kind],
    app: Application,
    members: Sequence[Person],
    configure: Callable[[NodeConfiguration], NodeConfiguration],
) -> Kind:
    """Return a node that has booted, with interfaces of both versions of HTTP."""
    usual = starting(
        constitution=CONSTITUTION,
        members=[member.founding() for member in members],
        interfaces=(listener(), http2_listener()),
    )
    boot = boot_of(configure(usual))
    node = kind.among(Alone(), app, boot, members=members, seed=1)
    assert isinstance(node, kind)
    return node


def early(configuration: NodeConfiguration) -> NodeConfiguration:
    """Sign as soon as there is something to sign and nothing else to do."""
    signatures = replace(configuration.ledger_signatures, early=True)
    return replace(configuration, ledger_signatures=signatures)
