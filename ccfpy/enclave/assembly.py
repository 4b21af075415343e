"""Puts a node together from its parts: the one place that chooses them."""

import os

from ccfpy.enclave.application import load_application
from ccfpy.enclave.loop import Steps
from ccfpy.enclave.platforms.virtual import PlatformFile
from ccfpy.enclave.ports import SystemClock, SystemEntropy, SystemMemory
from ccfpy.node.node import Node


def build_node(app: str) -> Steps:
    """Build a node that serves an application, on the operating system's ports.

    Raises:
        ApplicationNotLoaded: there is no such application.
    """
    entropy = SystemEntropy()
    platform = PlatformFile.usual(os.environ, entropy)
    platform.load()
    return Node(
        app=load_application(app),
        entropy=entropy,
        clock=SystemClock(),
        memory=SystemMemory(),
        platform=platform,
    )
