"""What JavaScript sees of the node: one file for each namespace of CCF's API."""

from ccfpy.js.extensions.consensus import Consensus
from ccfpy.js.extensions.console import Console
from ccfpy.js.extensions.converters import Converters
from ccfpy.js.extensions.crypto import Crypto
from ccfpy.js.extensions.date import FrozenDate
from ccfpy.js.extensions.gov import Gov
from ccfpy.js.extensions.gov_effects import GovEffects
from ccfpy.js.extensions.kv import Kv
from ccfpy.js.extensions.network import Network
from ccfpy.js.extensions.node import Node
from ccfpy.js.extensions.random import MathRandom
from ccfpy.js.extensions.rpc import Rpc

__all__ = [
    "Consensus",
    "Console",
    "Converters",
    "Crypto",
    "FrozenDate",
    "Gov",
    "GovEffects",
    "Kv",
    "MathRandom",
    "Network",
    "Node",
    "Rpc",
]
