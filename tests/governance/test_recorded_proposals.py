"""Proposals that CCF carried out, carried out again: the tables must be the same bytes.

Each accepted proposal of the recorded ledgers is put to the constitution in force at
the time, and to our default one, on the state that CCF's had.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccfpy.js.engine import JsException, TxAccess
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from tests.governance.conftest import GOV, UNIT, Effects, Service, constitution
from tests.vectors.recording import Recording

PROPOSALS = f"{GOV}proposals"
PROPOSALS_INFO = f"{GOV}proposals_info"
NOT_COMPARED = {
    # Written before or after the constitution runs.
    PROPOSALS,
    PROPOSALS_INFO,
    # They name the engine's version, or came after the oldest ledgers.
    f"{GOV}modules_quickjs_bytecode",
    f"{GOV}modules_quickjs_version",
    f"{GOV}interpreter.flush",
}
SERVICES = ("cose_flipflop_service", "eol_service", "sgx_service")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An accepted proposal, the state it met and what the transaction wrote."""

    store: Store
    proposal_id: bytes
    body: bytes
    info: bytes
    writes: WriteSet

    @property
    def in_force(self) -> str:
        """The constitution of the time."""
        text = self.store.begin().raw(f"{GOV}constitution").get(UNIT)
        assert text is not None
        return str(json.loads(text))

    @property
    def names(self) -> tuple[str, ...]:
        """The actions' names."""
        return tuple(action["name"] for action in json.loads(self.body)["actions"])

    @property
    def opens_unnamed(self) -> bool:
        """Whether a service is opened without naming its identity, as before 2.0."""
        opens = "transition_service_to_open" in self.names
        return opens and "transitionServiceToOpen()" in self.in_force

    def replay(self, service: Service) -> bool:
        """Carry it out and compare; ``False`` if it no longer validates."""
        service.store = self.store
        actions = json.loads(self.body)["actions"]
        if service.validate(*actions)["valid"] is not True:
            return False
        info = json.loads(self.info)
        votes = {
            member: service.vote(ballot, self.body.decode(), info["proposer_id"])
            for member, ballot in info["ballots"].items()
        }
        assert votes == info.get("final_votes", votes)
        assert service.resolve(info["proposer_id"], votes, *actions) == "Accepted"
        self._prepare(service.effects)
        tx = self.store.begin()
        tx.raw(PROPOSALS_INFO).put(self.proposal_id, self.info)
        arguments = [self.body.decode(), self.proposal_id.decode()]
        service._call("apply", arguments, tx, TxAccess.GOV_RW)
        written = {k: v for k, v in tx.writes.items() if k not in NOT_COMPARED}
        assert written == {table: self.writes.get(table) for table in written}
        return True

    def _prepare(self, effects: Effects) -> None:
        """Prepare effects that answer what CCF's node answered."""
        for node in self.writes.get(f"{GOV}nodes.info", {}).values():
            record = json.loads(node or "{}")
            effects.ledger_secret_seqno = record.get("ledger_secret_seqno", 0)
        for service in self.writes.get(f"{GOV}service.info", {}).values():
            effects.service_certificate = json.loads(service or "{}").get("cert")
        nodes = self.store.begin().raw(f"{GOV}nodes.info")
        certificates = self.writes.get(f"{GOV}nodes.endorsed_certificates", {})
        for node_id, certificate in certificates.items():
            request = json.loads(nodes.get(node_id) or "{}")
            if certificate is not None and "certificate_signing_request" in request:
                key = request["certificate_signing_request"]
                effects.node_certificates[key] = certificate.decode()


def accepted(recording: Recording) -> Iterator[Accepted]:
    """Replay a ledger's public tables, stopping before each accepted proposal."""
    store = Store(recording.transactions[0].txid.seqno - 1)
    for transaction in recording.transactions:
        writes = {
            table: entries
            for table, entries in transaction.domain.write_set.items()
            if table.startswith("public:")
        }
        for proposal_id, info in writes.get(PROPOSALS_INFO, {}).items():
            if info is None or json.loads(info)["state"] != "Accepted":
                continue
            body = writes.get(PROPOSALS, {}).get(proposal_id)
            body = body or store.begin().raw(PROPOSALS).get(proposal_id)
            assert body is not None
            yield Accepted(
                store=store,
                proposal_id=proposal_id,
                body=body,
                info=info,
                writes=writes,
            )
        store.apply(transaction.txid.seqno, writes)


@pytest.fixture(scope="module", params=SERVICES)
def recording(request: pytest.FixtureRequest, ccf_services: Path) -> Recording:
    return Recording.read(ccf_services / request.param)


def test_our_constitution_writes_what_ccfs_wrote(
    engine: QuickJs, recording: Recording
) -> None:
    ours = constitution("default")
    refused = set()
    tried = set()
    for proposal in accepted(recording):
        tried.add(proposal.names)
        if not proposal.replay(Service(engine, ours)):
            refused.add(proposal.names)
    # Before 2.0 a service was opened without naming its identity.
    assert refused <= {("set_user", "transition_service_to_open")}
    assert len(tried - refused) >= 3
    assert ("set_js_app",) in tried - refused


def test_recorded_constitutions_still_do_what_they_did(
    engine: QuickJs, recording: Recording
) -> None:
    done = set()
    for proposal in accepted(recording):
        service = Service(engine, proposal.in_force)
        if proposal.opens_unnamed:
            with pytest.raises(
                JsException, match="Passed 0 arguments but expected two"
            ):
                proposal.replay(service)
        elif proposal.replay(service):
            done.add(proposal.names)
    assert ("set_js_app",) in done
    assert len(done) >= 3
