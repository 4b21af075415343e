"""Attacks by strangers who ask to join, of whom no member knows."""

import asyncio
import base64
import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ssl import SSLContext

from ccfpy.attestation.report_data import node_report_data
from ccfpy.base.json import Json, JsonObject, dumps
from ccfpy.client.keys import KeyFiles, OsEntropy, write_private
from ccfpy.crypto.certs import certificate_request, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256_hex
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.wires import (
    Answered,
    NoAnswer,
    Wire,
    connected,
    stranger_context,
)

STRANGERS = 60
NODE_DATA_BYTES = 1_000_000
"""The largest body of a request, without the rest of the request."""
LIST_MAX_BYTES = 1 << 20
"""A list of three nodes and some strangers needs no more."""
WAITING_MAX = 50
"""Members want no more nodes at once."""
NEWCOMER_RETRIES = 15
RETRY_S = 1
"""A node that has to ask again does so once a second by default."""
HOSTILE_ADDRESSES = ("h]x:[1", "[/x]y:1", "\x1b]0;owned\x07:1", "a\u202eb:1")
HOSTILE_DATA = "\x1b[2J\x1b]0;owned\x07 [/x] \u202e \u200b \x9b31m"
NICE = ("nice", "-n", "10")
"""An operator has a machine of their own; here commands leave time to the others."""
OPERATORS_COMMANDS = (
    ("network", "status"),
    ("gov", "list"),
    ("gov", "status"),
    ("call", "/node/network/nodes", "--include"),
    ("call", "/gov/service/nodes?api-version=2024-07-01"),
    ("call", "/gov/service/nodes?api-version=2024-07-01", "--json"),
)
UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufffd]")
_OK = 200
_LATER = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A stranger with a key of its own, and the evidence that anybody can make for it.

    Attributes:
        context: of TLS, in which the stranger shows its certificate.
        key: its key.
    """

    context: SSLContext
    key: KeyPair

    @classmethod
    def make(cls, target: Target, name: str) -> "Stranger":
        """Make a stranger."""
        entropy = OsEntropy()
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = node_self_signed(
            key,
            subject="CN=stranger",
            sans=[],
            not_before=datetime.now(tz=UTC),
            validity_days=1,
            entropy=entropy,
        )
        files = KeyFiles(folder=target.folder, name=name)
        write_private(files.private_key, key.pem)
        files.certificate.write_text(certificate.pem)
        return cls(context=stranger_context(files), key=key)

    def request(
        self, target: Target, *, host_data: Json, address: str, node_data: Json
    ) -> bytes:
        """Return a request to join."""
        evidence: JsonObject = {
            "host_data": host_data,
            "measurement": "Insecure hard-coded virtual measurement v1",
            "report_data": _base64(node_report_data(self.key.public_key.der)),
        }
        interface: JsonObject = {
            "bind_address": address,
            "published_address": address,
            "protocol": "tcp",
        }
        network: JsonObject = {
            "node_to_node_interface": interface,
            "rpc_interfaces": {"primary_rpc_interface": interface},
        }
        encryption = target.keys(target.network.options.members[0])
        return dumps(
            {
                "node_info_network": network,
                "quote_info": {
                    "format": "Insecure_Virtual",
                    "quote": _base64(dumps(evidence)),
                    "endorsements": "",
                },
                "public_encryption_key": encryption.encryption_public_key.read_text(),
                "startup_seqno": None,
                "certificate_signing_request": certificate_request(
                    self.key, subject="CN=stranger", sans=[]
                ),
                "node_data": node_data,
            }
        )

    async def ask(
        self,
        target: Target,
        spend: Spend,
        *,
        host_data: Json,
        address: str,
        node_data: Json = None,
    ) -> Answered:
        """Ask to join.

        Raises:
            NoAnswer: the node does not answer.
        """
        body = self.request(
            target, host_data=host_data, address=address, node_data=node_data
        )
        async with connected(target.address, spend, context=self.context) as wire:
            return await wire.ask(
                "POST",
                "/node/join",
                body=body,
                headers={"content-type": "application/json"},
            )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def strangers(target: Target, spend: Spend) -> Sequence[str]:
    """Fill the ledger with strangers' records, and ask for all of them."""
    breaches: list[str] = []
    data = "x" * NODE_DATA_BYTES
    async with connected(target.address, spend) as wire:
        host_data = await _host_data(wire)
        for number in range(STRANGERS):
            stranger = Stranger.make(target, f"stranger{number}")
            address = f"127.0.0.1:{50_000 + number}"
            for said in (data, "small"):
                try:
                    answered = await stranger.ask(
                        target,
                        spend,
                        host_data=host_data,
                        address=address,
                        node_data=said,
                    )
                except NoAnswer:
                    continue
                if answered.status == _OK:
                    break
        listed = await wire.ask("GET", "/node/network/nodes")
        if len(listed.body) > LIST_MAX_BYTES:
            breaches.append(f"the list of nodes has {len(listed.body)} bytes")
        waiting = listed.body.count(b'"Pending"')
        if waiting > WAITING_MAX:
            breaches.append(f"{waiting} strangers wait at once")
        for refused in (_patient_refused, _wanted_refused):
            refusal = await refused(target, spend, host_data)
            if refusal is not None:
                breaches.append(refusal)
    return breaches


async def _patient_refused(target: Target, spend: Spend, host_data: Json) -> str | None:
    """Return why a node that asks again, as nodes do, finds no place; None if it does.

    A service whose places are taken gives one place in ten seconds to a newcomer.
    """
    newcomer = Stranger.make(target, "patient")
    address = "127.0.0.1:45677"
    answered = await newcomer.ask(target, spend, host_data=host_data, address=address)
    for _ in range(NEWCOMER_RETRIES):
        if answered.status != _LATER:
            break
        await asyncio.sleep(RETRY_S)
        answered = await newcomer.ask(
            target, spend, host_data=host_data, address=address
        )
    if answered.status == _OK:
        return None
    return f"a node that asks again finds no place: {_reason(answered)}"


async def _wanted_refused(target: Target, spend: Spend, host_data: Json) -> str | None:
    """Return why a node that a proposal names finds no place; None if it does.

    Its place is reserved: it need not ask again.
    """
    newcomer = Stranger.make(target, "wanted")
    async with target.connect() as anybody:
        member = target.member(anybody, 0)
        status = await member.propose([_trust(newcomer)])
        answered = await newcomer.ask(
            target, spend, host_data=host_data, address="127.0.0.1:45678"
        )
        await member.withdraw(status.proposal_id)
    if answered.status == _OK:
        return None
    return f"a node that a member's proposal names finds no place: {_reason(answered)}"


def _trust(newcomer: Stranger) -> JsonObject:
    """Return the action by which members trust a node."""
    arguments: JsonObject = {
        "node_id": sha256_hex(newcomer.key.public_key.der),
        "valid_from": f"{datetime.now(tz=UTC):%Y%m%d%H%M%SZ}",
    }
    return {"name": "transition_node_to_trusted", "args": arguments}


async def squatters(target: Target, spend: Spend) -> Sequence[str]:
    """Claim the address of a node that has yet to come."""
    address = "127.0.0.1:45679"
    async with connected(target.address, spend) as wire:
        host_data = await _host_data(wire)
    squatter = Stranger.make(target, "squatter")
    await squatter.ask(target, spend, host_data=host_data, address=address)
    owner = Stranger.make(target, "owner")
    answered = await owner.ask(target, spend, host_data=host_data, address=address)
    if answered.status != _OK:
        return [f"the node that has the address is refused: {_reason(answered)}"]
    return ()


async def operators(target: Target, spend: Spend) -> Sequence[str]:
    """Ask to join with an address and data against operators' tools, and let them look.

    A stranger also listens where it is said to be: whatever connects is told to it.
    """
    visitors: list[asyncio.StreamWriter] = []
    async with connected(target.address, spend) as wire:
        host_data = await _host_data(wire)
    breaches = []
    for number, address in enumerate(HOSTILE_ADDRESSES):
        stranger = Stranger.make(target, f"hostile{number}")
        answered = await stranger.ask(
            target, spend, host_data=host_data, address=address
        )
        if answered.status == _OK:
            breaches.append(f"the address {address!r} is taken")
    listening = await asyncio.start_server(
        lambda _, visitor: visitors.append(visitor), "127.0.0.1", 0
    )
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        stranger = Stranger.make(target, "listening")
        await stranger.ask(
            target,
            spend,
            host_data=host_data,
            address=f"127.0.0.1:{port}",
            node_data=HOSTILE_DATA,
        )
        for words in OPERATORS_COMMANDS:
            code, shown = await asyncio.to_thread(_at_a_terminal, target, words)
            said = " ".join(words)
            if code:
                breaches.append(f"{said} ends with {code}: {shown[-200:]!r}")
            if found := set(UNSEEN.findall(shown)):
                breaches.append(f"{said} writes {sorted(found)} to the terminal")
    if visitors:
        breaches.append(f"{len(visitors)} connections to a node that is not trusted")
    return breaches


def _at_a_terminal(target: Target, words: Sequence[str]) -> tuple[int, str]:
    """Run a command as an operator does; return its exit code and what it shows."""
    reader, terminal = pty.openpty()
    folder = target.folder / "common"
    if not folder.exists():  # as a sandbox leaves it, for tools to add to
        folder.mkdir()
        certificate = target.network.options.service_certificate.read_text()
        (folder / "service_cert.pem").write_text(certificate)
        (folder / "0.rpc_addresses").write_bytes(dumps({"main": target.address}))
    # A terminal without colours: each escape in what is shown is the stranger's.
    with subprocess.Popen(  # noqa: S603  # ours; no shell
        [
            *NICE,
            sys.executable,
            "-m",
            "ccfpy.cli.main",
            *words,
            "--common",
            str(folder),
        ],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "dumb"},
    ) as command:
        os.close(terminal)
        shown = bytearray()
        with contextlib.suppress(OSError):  # the terminal has no writer any more
            while data := os.read(reader, 65_536):
                shown += data
    os.close(reader)
    return command.returncode, shown.decode(errors="replace").replace("\r\n", "\n")


async def _host_data(wire: Wire) -> Json:
    """Return the host data of the service's nodes, which anybody may read."""
    answered = await wire.ask("GET", "/node/quotes/self")
    raw = json.loads(answered.body)["raw"]
    host_data: Json = json.loads(base64.b64decode(raw))["host_data"]
    return host_data


def _reason(answered: Answered) -> str:
    return f"{answered.status} {answered.body[:200].decode(errors='replace')}"


ATTACKS = (
    # First, while there are places for nodes that wait.
    Attack(
        name="squatters",
        family=Family.JOINING,
        about="a stranger asks to join under the address of a node to come",
        perform=squatters,
    ),
    Attack(
        name="operators",
        family=Family.JOINING,
        about="a stranger asks to join with text against the tools of operators",
        perform=operators,
    ),
    Attack(
        name="strangers",
        family=Family.JOINING,
        about=f"{STRANGERS} strangers ask to join with a megabyte of data each",
        perform=strangers,
    ),
)
