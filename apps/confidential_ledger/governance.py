"""What the service is governed by, and what its nodes run on."""

import base64

from apps.confidential_ledger.app import app, page
from apps.confidential_ledger.callers import Reader
from apps.confidential_ledger.tables import CONSTITUTION, MEMBERS
from ccfpy.app import (
    Context,
    Json,
    JsonObject,
    NodeId,
    node_info,
    sha256_hex,
    trusted_node_quotes,
)


@app.get("/governance/constitution")
def read_constitution(ctx: Context, _: Reader) -> JsonObject:
    """Read the script that decides on proposals, and its digest."""
    script = CONSTITUTION.of(ctx.tx).get() or ""
    return {"digest": sha256_hex(script.encode()), "script": script}


@app.get("/governance/members")
def list_members(ctx: Context, _: Reader) -> JsonObject:
    """List the members of the consortium."""
    members: list[JsonObject] = [
        {"id": member_id, "certificate": certificate}
        for member_id, certificate in MEMBERS.of(ctx.tx).items()
    ]
    return page("members", members)


@app.get("/enclaveQuotes")
def list_quotes(ctx: Context, _: Reader) -> JsonObject:
    """List the evidence of each trusted node."""
    quotes: dict[str, Json] = {
        node_id: {
            "nodeId": node_id,
            "mrenclave": _measurement(ctx, node_id),
            "quoteVersion": str(quote.format),
            "raw": base64.b64encode(quote.quote).decode(),
        }
        for node_id, quote in trusted_node_quotes(ctx.tx).items()
    }
    return {"currentNodeId": ctx.node.node_id, "enclaveQuotes": quotes}


def _measurement(ctx: Context, node_id: NodeId) -> str:
    """Return the measurement of a node's code, under the name that clients know."""
    info = node_info(ctx.tx, node_id)
    return "" if info is None else info.code_digest or ""
