"""Attacks on verifiers of receipts: inner nodes of the tree, given as leaves.

The other form of a receipt's signature, (r, n - s), verifies too. It proves the same
transaction, as the documents say, and is no attack.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ccfpy.base.json import JsonObject
from ccfpy.client.receipts import fetch_receipt
from ccfpy.ledger.receipt import Receipt
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend

VERIFIER_TIMEOUT_S = 30.0


def forgeries(receipt: Receipt) -> Iterator[tuple[str, Receipt]]:
    """Return texts that look like receipts and prove no transaction, by their names."""
    path = receipt.proof
    for height in range(1, len(path) + 1):
        lower = replace(receipt, proof=path[:height])
        inner = replace(receipt, leaf=lower.root(), proof=path[height:])
        yield f"of a tree's node at height {height}", inner


async def forged_receipts(target: Target, spend: Spend) -> Sequence[str]:
    """Verify each forgery of an honest receipt by the command."""
    breaches = []
    async with target.connect("user0") as user:
        reply = await user.request("PUT", "/app/notes/proven", json={"text": "x"})
        txid = reply.raise_for_error().txid
        assert txid is not None, "a write is a transaction"
        await user.wait_committed(txid)
        receipt = await fetch_receipt(user, txid)
    spend.connections += 1
    if not await _is_believed(target, receipt.to_json()):
        breaches.append("the honest receipt is refused")
    for name, forged in forgeries(receipt):
        if await _is_believed(target, forged.to_json()):
            breaches.append(f"a receipt {name} is believed")
    return breaches


async def _is_believed(target: Target, fields: JsonObject) -> bool:
    """Return whether ``ccfpy receipt verify`` ends with 0."""
    path = target.folder / "receipt.json"
    path.write_text(json.dumps(fields))
    certificate = str(target.network.options.service_certificate)
    command = (
        *(sys.executable, "-m", "ccfpy.cli.main", "receipt", "verify"),
        *(str(path), "--cacert", certificate),
    )

    def run() -> int:
        return subprocess.run(  # noqa: S603  # our own program; no shell
            command, capture_output=True, check=False, timeout=VERIFIER_TIMEOUT_S
        ).returncode

    return await asyncio.to_thread(run) == 0


ATTACKS = (
    Attack(
        name="forgeries",
        family=Family.RECEIPTS,
        about="inner nodes of the tree, which are no transactions, have receipts",
        perform=forged_receipts,
    ),
)
