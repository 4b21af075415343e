"""Endpoints in JavaScript that are not code of the node: tables of the KV hold them."""

from ccfpy.js.engine import Permission
from ccfpy.js.extension import Extension, ExtensionFunction
from ccfpy.js.serving.current_request import CurrentRequest
from ccfpy.js.serving.registry import ScriptedRegistry
from ccfpy.js.serving.scripts import Scripts
from ccfpy.js.serving.tables import (
    GOVERNED,
    ActionFormat,
    ActionLog,
    ScriptTables,
    install_bundle,
    installed_bundle,
    installed_module,
    patch_runtime_options,
    runtime_options,
)

__all__ = [
    "GOVERNED",
    "ActionFormat",
    "ActionLog",
    "CurrentRequest",
    "Extension",
    "ExtensionFunction",
    "Permission",
    "ScriptTables",
    "ScriptedRegistry",
    "Scripts",
    "install_bundle",
    "installed_bundle",
    "installed_module",
    "patch_runtime_options",
    "runtime_options",
]
