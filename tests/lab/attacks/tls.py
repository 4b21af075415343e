"""Attacks on handshakes: certificates that are costly to verify, and mere numbers."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence

from ccfpy.client.keys import OsEntropy, write_private
from ccfpy.crypto.ec import Curve, KeyPair
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.chains import CHAIN_CERTIFICATES, hostile_chain
from tests.lab.attacks.wires import NoAnswer, connected, stranger_context

CHAIN_CONNECTIONS = 12
HANDSHAKES = 400
HANDSHAKES_AT_ONCE = 16
HANDSHAKE_PAUSE_S = 0.05
"""An attacker on this machine must leave the node a processor."""


async def chains(target: Target, spend: Spend) -> Sequence[str]:
    """Show the longest chain of the costliest certificates over several connections."""
    context = stranger_context()
    await asyncio.to_thread(_load_chain, target, context)

    async def show() -> None:
        with contextlib.suppress(NoAnswer):
            async with connected(target.address, spend, context=context) as wire:
                await wire.ask("GET", "/node/commit")

    size = (target.folder / "chain.pem").stat().st_size
    spend.bytes_sent += CHAIN_CONNECTIONS * size * 3 // 4
    async with asyncio.TaskGroup() as group:
        for _ in range(CHAIN_CONNECTIONS):
            group.create_task(show())
    return ()


def _load_chain(target: Target, context: ssl.SSLContext) -> None:
    key = KeyPair.generate(OsEntropy(), Curve.SECP256R1)
    certificates = target.folder / "chain.pem"
    private = target.folder / "chain_privk.pem"
    certificates.write_text(hostile_chain(key))
    write_private(private, key.pem)
    context.load_cert_chain(certificates, private)


async def handshakes(target: Target, spend: Spend) -> Sequence[str]:
    """Open connections one after the other, several at a time, and leave."""
    context = stranger_context()
    total = HANDSHAKES // 4 if target.is_quick else HANDSHAKES

    async def open_some() -> None:
        for _ in range(total // HANDSHAKES_AT_ONCE):
            with contextlib.suppress(NoAnswer):
                async with connected(target.address, spend, context=context):
                    pass
            await asyncio.sleep(HANDSHAKE_PAUSE_S)

    async with asyncio.TaskGroup() as group:
        for _ in range(HANDSHAKES_AT_ONCE):
            group.create_task(open_some())
    return ()


ATTACKS = (
    Attack(
        name="chains",
        family=Family.TLS,
        about=f"{CHAIN_CONNECTIONS} clients show {CHAIN_CERTIFICATES} RSA certificates "
        "with huge exponents",
        perform=chains,
    ),
    Attack(
        name="handshakes",
        family=Family.TLS,
        about=f"{HANDSHAKES} handshakes, {HANDSHAKES_AT_ONCE} at a time",
        perform=handshakes,
    ),
)
