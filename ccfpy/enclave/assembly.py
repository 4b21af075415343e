"""Puts a node together from its parts: the one place that chooses them."""

from ccfpy.enclave.application import load_application
from ccfpy.enclave.in_process import InProcessLink
from ccfpy.enclave.loop import Steps
from ccfpy.enclave.ports import SystemClock, SystemEntropy, SystemMemory
from ccfpy.node.node import Node


def build_node(app: str) -> Steps:
    """Build a node that serves an application, on the operating system's ports.

    Raises:
        ApplicationNotLoaded: there is no such application.
    """
    return Node(
        app=load_application(app),
        entropy=SystemEntropy(),
        clock=SystemClock(),
        memory=SystemMemory(),
    )


def in_process_link(app: str) -> InProcessLink:
    """Make a link to a node without a process of its own, for ``host.main.run``."""
    return InProcessLink(lambda: build_node(app))
