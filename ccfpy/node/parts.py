"""What a node has before it boots, and every running node is built with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque

    from ccfpy.base.ports import Clock, Entropy, Memory, Platform
    from ccfpy.endpoints.app_calls import NodeCall
    from ccfpy.endpoints.application import Application
    from ccfpy.js.quickjs import ContextPool
    from ccfpy.node.app import AppCode
    from ccfpy.node.host_reads import LedgerReads, SnapshotReads
    from ccfpy.node.outbound import OutboundClient
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.ports import WakeFlag
    from ccfpy.node.sessions.client import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """The parts of one node that do not depend on its configuration.

    Attributes:
        app: the application.
        app_code: what calls the application.
        clock: elapsed time, for deadlines inside a step.
        contexts: what calls of scripts begin from.
        platform: makes evidence, and keeps secrets for later runs; a node without a
            platform is a virtual one that keeps none.
        outbox: where the effects of the node go.
        wake_flag: set by whatever gives the end of a step more to do.
        calls: requests to other nodes and servers.
        snapshots: the host's snapshots.
        ledger: the host's ledger.
        router: what answers a request, from whatever it came.
        due: the calls that the node makes next, besides those of its clients.
    """

    app: "Application"
    app_code: "AppCode"
    entropy: "Entropy"
    clock: "Clock"
    contexts: "ContextPool"
    memory: "Memory"
    platform: "Platform | None" = None
    outbox: "Outbox"
    wake_flag: "WakeFlag"
    calls: "OutboundClient"
    snapshots: "SnapshotReads"
    ledger: "LedgerReads"
    router: "Router"
    due: "deque[NodeCall]"
