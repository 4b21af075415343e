"""What this node uses: sessions, memory, JavaScript, and which versions it is of."""

from typing import TYPE_CHECKING

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import json_reply
from ccfpy.js.quickjs import VERSION
from ccfpy.node.api.answers import (
    JavaScriptMetricsAnswer,
    MemoryAnswer,
    MetricsAnswer,
    VersionAnswer,
)
from ccfpy.node.api.declare import NodeEndpoints, local, shared
from ccfpy.service.tables import js

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode

CCF_VERSION = "ccf-7.0.0-dev5"
"""The release of CCF whose formats and protocols this version keeps."""


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(local, "/metrics", MetricsAnswer, mode=Mode.COMMAND)
def metrics(running: "RunningNode", _: Context) -> "Response":
    """Count sessions and unreadable requests, by interface."""
    sessions = running.session_counts
    interfaces = {
        name: {
            "active": interface.active,
            "peak": interface.peak,
            "soft_cap": interface.configuration.sessions_soft_max,
            "hard_cap": interface.configuration.sessions_hard_max,
            "errors": interface.errors,
        }
        for name, interface in sessions.interfaces.items()
    }
    return json_reply(
        {
            "sessions": {
                "active": sessions.active,
                "peak": sessions.peak,
                "interfaces": interfaces,
            }
        }
    )


@ENDPOINTS.add(local, "/memory", MemoryAnswer, mode=Mode.COMMAND)
def memory(running: "RunningNode", _: Context) -> "Response":
    """Answer with the memory that the enclave uses, and the most it may use."""
    usage = running.parts.memory.usage()
    return json_reply(
        {
            "max_total_heap_size": usage.bytes_max,
            "current_allocated_heap_size": usage.current_bytes,
            "peak_allocated_heap_size": usage.peak_bytes,
        }
    )


@ENDPOINTS.add(shared, "/js_metrics", JavaScriptMetricsAnswer)
def js_metrics(_: "RunningNode", context: Context) -> "Response":
    """Return the limits of JavaScript, and the size of the compiled app.

    ``bytecode_used`` says whether the bytecode in the tables is of this engine's
    version, which is what CCF's clients compare. This node compiles every script
    from its source nevertheless, and never reads bytecode from a table (ADR 4).
    """
    tx = context.tx
    bytecode = sum(len(code) for _, code in js.MODULES_BYTECODE.of(tx).items())
    options = js.RUNTIME_OPTIONS.of(tx).get() or js.JsRuntimeOptions()
    return json_reply(
        {
            "bytecode_size": bytecode,
            "bytecode_used": js.MODULES_VERSION.of(tx).get() == VERSION,
            "max_heap_size": options.max_heap_bytes,
            "max_stack_size": options.max_stack_bytes,
            "max_execution_time": options.max_execution_time_ms,
            "max_cached_interpreters": options.max_cached_interpreters,
        }
    )


@ENDPOINTS.add(local, "/version", VersionAnswer, mode=Mode.COMMAND)
def version(_: "RunningNode", __: Context) -> "Response":
    """Answer with the version of CCF that this node is compatible with."""
    return json_reply(
        {
            "ccf_version": CCF_VERSION,
            "quickjs_version": VERSION,
            "unsafe": False,
        }
    )
