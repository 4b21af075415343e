"""Calls an application's code in tests, without limits."""

from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.node.app import AppCode
from ccfpy.node.outbox import Outbox
from ccfpy.testing.entropy import SeededEntropy


def app_code(outbox: Outbox | None = None) -> AppCode:
    """Return what calls it, and log there what fails."""
    return AppCode(AppCalls(), outbox=outbox or Outbox(), entropy=SeededEntropy(9))
