"""Endpoints in JavaScript that are not code of the node: tables of the KV hold them."""

from ccfpy.js.serving.registry import ScriptedRegistry
from ccfpy.js.serving.scripts import Scripts
from ccfpy.js.serving.tables import GOVERNED, ScriptTables

__all__ = ["GOVERNED", "ScriptTables", "ScriptedRegistry", "Scripts"]
