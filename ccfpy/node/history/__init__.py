"""The ledger's past: entries read back from the host, verified, kept for a while."""

from ccfpy.node.history.state_cache import StateCache

__all__ = ["StateCache"]
