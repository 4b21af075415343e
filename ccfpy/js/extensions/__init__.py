"""What JavaScript sees of the node: one file for each namespace of CCF's API."""

from ccfpy.js.extensions.consensus import ConsensusExtension
from ccfpy.js.extensions.console import ConsoleExtension
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.js.extensions.date import FrozenDateExtension
from ccfpy.js.extensions.gov import GovExtension
from ccfpy.js.extensions.gov_effects import GovEffectsExtension
from ccfpy.js.extensions.kv import KvExtension
from ccfpy.js.extensions.network import NetworkExtension
from ccfpy.js.extensions.node import NodeExtension
from ccfpy.js.extensions.random import MathRandomExtension
from ccfpy.js.extensions.rpc import RpcExtension

__all__ = [
    "ConsensusExtension",
    "ConsoleExtension",
    "ConvertersExtension",
    "CryptoExtension",
    "FrozenDateExtension",
    "GovEffectsExtension",
    "GovExtension",
    "KvExtension",
    "MathRandomExtension",
    "NetworkExtension",
    "NodeExtension",
    "RpcExtension",
]
