"""What JavaScript sees of the node: one file for each namespace of CCF's API."""

from ccfpy.js.extensions.consensus import consensus_extension
from ccfpy.js.extensions.console import ConsoleExtension
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.js.extensions.date import frozen_date_extension
from ccfpy.js.extensions.gov import GovExtension
from ccfpy.js.extensions.gov_effects import gov_effects_extension
from ccfpy.js.extensions.kv import KvExtension
from ccfpy.js.extensions.network import network_extension
from ccfpy.js.extensions.node import node_extension
from ccfpy.js.extensions.random import math_random_extension
from ccfpy.js.extensions.rpc import rpc_extension

__all__ = [
    "ConsoleExtension",
    "ConvertersExtension",
    "CryptoExtension",
    "GovExtension",
    "KvExtension",
    "consensus_extension",
    "frozen_date_extension",
    "gov_effects_extension",
    "math_random_extension",
    "network_extension",
    "node_extension",
    "rpc_extension",
]
