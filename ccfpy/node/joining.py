"""How a node joins a running service."""

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.events import Boot
from ccfpy.node.boot import Ports, identity_of, replica_of
from ccfpy.node.outbox import Outbox
from ccfpy.node.replica import Replica


def begin(boot: Boot, ports: Ports, outbox: Outbox) -> Replica:
    """Make a node that knows no service yet.

    Raises:
        ConfigurationRefused: it is not told what to join, or the host speaks nonsense.
        Malformed: a certificate cannot be made as it is configured.
    """
    if boot.configuration.join is None:
        raise ConfigurationRefused("command.join is missing")
    identity = identity_of(boot, ports)
    replica = replica_of(boot, ports, outbox, identity=identity, founding=None)
    outbox.info(f"Created join node {identity.node_id}")
    return replica
