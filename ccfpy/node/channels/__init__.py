"""How nodes of a service speak to each other: CCF's key exchange and its messages.

`channels` is the face: all channels of a node. `channel` is one of them, and `states`
what it waits for. `handshake` and `framing` are the bytes, `agreement` is who is
believed and how keys come about, and `keys` seals and opens.
"""

from ccfpy.node.channels.channels import Channels, ChannelSettings, Received

__all__ = ["ChannelSettings", "Channels", "Received"]
