"""Use generated clients of the logging sample and of its node, as their users would.

It writes, reads, asks for what is not there, and asks what became of the write. This
runs where the generated packages ``app`` and ``node`` are, and ccfpy is not. It reads
one JSON object: their folder, and where the service is. It prints what the clients'
types say.
"""

import json
import ssl
import sys
from importlib import import_module
from typing import Any


def use(told: dict[str, str]) -> dict[str, Any]:
    """Return what was answered."""
    sys.path.insert(0, told["folder"])
    tls = ssl.create_default_context(cafile=told["service"])
    tls.load_cert_chain(f"{told['user']}_cert.pem", f"{told['user']}_privk.pem")
    app, node = (
        import_module(f"{name}.client").Client(base_url=told["url"], verify_ssl=tls)
        for name in ("app", "node")
    )
    models = import_module("app.models")
    post = import_module("app.api.default.post_app_log_private")
    get = import_module("app.api.default.get_app_log_private")
    tx = import_module("node.api.default.get_node_tx")
    record = models.Record(id=9, msg="generated")
    written = post.sync_detailed(client=app, body=record)
    txid = written.headers["x-ms-ccf-transaction-id"]
    missing = get.sync(client=app, id=404)
    assert isinstance(missing, models.CCFError)
    return {
        "written": written.parsed,
        "read": get.sync(client=app, id=9).msg,
        "missing": missing.error.code,
        "is_known": tx.sync(client=node, transaction_id=txid).status != "Unknown",
    }


if __name__ == "__main__":
    json.dump(use(json.load(sys.stdin)), sys.stdout)
