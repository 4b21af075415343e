"""A small service in a store, and constitutions to govern it with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.js.engine import JsArgument, JsLimits, Program, TxAccess
from ccfpy.js.extensions import (
    ConsoleExtension,
    ConvertersExtension,
    CryptoExtension,
    GovExtension,
    KvExtension,
    frozen_date_extension,
    gov_effects_extension,
    math_random_extension,
    network_extension,
    node_extension,
)
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.js.conftest import EPOCH, CountingClock

if TYPE_CHECKING:
    from ccfpy.js.extension import Extension

CONSTITUTIONS = Path(__file__).resolve().parents[2] / "governance" / "constitutions"
NOW_MS = int(EPOCH.timestamp() * 1000) + 1
GOV = "public:ccf.gov."
UNIT = bytes(8)


def constitution(name: str) -> str:
    """Join a constitution's parts; what a variant does not have is the default's."""
    parts = []
    for part in ("actions.js", "validate.js", "resolve.js", "apply.js"):
        own = CONSTITUTIONS / name / part
        chosen = own if own.is_file() else CONSTITUTIONS / "default" / part
        parts.append(chosen.read_text())
    return "\n".join(parts)


@dataclass
class Effects:
    """Everything a constitution may ask for beyond tables, remembered."""

    asked: list[object] = field(default_factory=list)
    ledger_secret_seqno: int = 11
    node_certificates: dict[str, str] = field(default_factory=dict)
    """What to answer to some certificate requests."""
    service_certificate: str | None = None

    def transition_service_to_open(
        self, _: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        self.asked.append(("open", previous_identity, next_identity))

    def trigger_ledger_rekey(self, _: Tx) -> None:
        self.asked.append("rekey")

    def trigger_recovery_shares_refresh(self, _: Tx) -> None:
        self.asked.append("shares")

    def trigger_ledger_chunk(self, _: Tx) -> None:
        self.asked.append("chunk")

    def trigger_snapshot(self, _: Tx) -> None:
        self.asked.append("snapshot")

    def latest_ledger_secret_seqno(self, _: Tx) -> int:
        return self.ledger_secret_seqno

    def generate_endorsed_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        made = f"node {request_pem} {valid_from} {validity_days}"
        return self.node_certificates.get(request_pem, made)

    def check_room_for_script(self) -> None:
        pass

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        return self.service_certificate or f"service {valid_from} {validity_days}"

    def set_jwt_public_signing_keys(
        self, issuer: str, *, metadata: JsonObject, jwks: JsonObject
    ) -> None:
        self.asked.append(("set keys", issuer, metadata, jwks))

    def remove_jwt_public_signing_keys(self, issuer: str) -> None:
        self.asked.append(("remove keys", issuer))


class Service:
    """A store's governance tables and the constitution in force."""

    def __init__(self, engine: QuickJs, source: str) -> None:
        self.program = Program(name=f"{GOV}constitution[0]", source=source)
        self.store = Store()
        self.effects = Effects()
        self._engine = engine

    def put(self, table: str, key: str | bytes, value: object) -> Self:
        """Write a row: text as it is, anything else as JSON."""
        tx = self.store.begin()
        raw = value if isinstance(value, str) else json.dumps(value)
        tx.raw(table).put(key.encode() if isinstance(key, str) else key, raw.encode())
        self.store.commit(tx)
        return self

    def validate(self, *actions: object) -> JsonObject:
        """Run ``validate`` on a proposal of these actions."""
        proposal = json.dumps({"actions": actions})
        text = self._call("validate", [proposal], self.store.begin(), TxAccess.GOV_RO)
        assert text is not None
        verdict: JsonObject = json.loads(text)
        return verdict

    def vote(self, ballot: str, proposal: str, proposer: str) -> bool:
        """Run a ballot."""
        program, self.program = self.program, Program(name="ballot", source=ballot)
        tx = self.store.begin()
        result = self._call("vote", [proposal, proposer], tx, TxAccess.GOV_RO)
        self.program = program
        return result == "true"

    def resolve(
        self, proposer: str, votes: dict[str, bool], *actions: object
    ) -> object:
        """Run ``resolve`` with these votes."""
        ballots: list[JsArgument] = [
            {"member_id": member, "vote": vote} for member, vote in votes.items()
        ]
        proposal = json.dumps({"actions": actions})
        arguments: list[JsArgument] = [proposal, proposer, ballots, "pid"]  # type: ignore[list-item]  # ballots are JSON
        tx = self.store.begin()
        return json.loads(self._call("resolve", arguments, tx, TxAccess.GOV_RO) or "")

    def apply(self, *actions: object) -> dict[str, dict[str, str | None]]:
        """Run ``apply``; give what it wrote as text."""
        tx = self.store.begin()
        proposal = json.dumps({"actions": actions})
        self._call("apply", [proposal, "pid"], tx, TxAccess.GOV_RW)
        return {
            table.removeprefix(GOV): {
                _key_text(key): None if value is None else value.decode("latin-1")
                for key, value in writes.items()
            }
            for table, writes in tx.writes.items()
        }

    def _call(
        self,
        function: str,
        arguments: Sequence[JsArgument],
        tx: Tx,
        access: TxAccess,
    ) -> str | None:
        extensions: list[Extension] = [
            math_random_extension(SeededEntropy(b"seed")),
            frozen_date_extension(NOW_MS),
            ConsoleExtension(lambda _level, _text: None),
            ConvertersExtension(),
            CryptoExtension(NOW_MS, SeededEntropy(b"crypto")),
            GovExtension(self._engine, JsLimits()),
            KvExtension(tx, access),
        ]
        if access is TxAccess.GOV_RW:
            effects = self.effects
            extensions += [
                node_extension(effects, tx),
                network_extension(effects, tx),
                gov_effects_extension(tx, effects),
            ]
        return self._engine.call_export(
            self.program,
            function,
            arguments,
            extensions=extensions,
            limits=JsLimits(),
        )


def _key_text(key: bytes) -> str:
    return "0" if key == UNIT else key.decode()


@pytest.fixture(scope="session")
def engine() -> QuickJs:
    """One engine for all, so that each constitution is compiled once."""
    return QuickJs(CountingClock())
