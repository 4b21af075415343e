"""How nodes of a service speak to each other: CCF's key exchange and its messages.

`channels` has the public class, all channels of a node. `channel` is one channel.
`key_agreement` decides which peers are believed and how keys are agreed, and `keys`
encrypts and decrypts.
"""

from ccfpy.node.channels.channels import Channels, ChannelSettings, Received

__all__ = ["ChannelSettings", "Channels", "Received"]
