"""A service of three members, governed over its own endpoints but without a node.

``Governed`` signs requests with members' keys and hands them to the real frontend; the
node's part, ``GovernanceNode`` and ``NodeView``, is played by a store and a few keys.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.ids import MemberId, NodeId, SessionId, TxId
from ccfpy.base.limits import CREATED_AT_AHEAD_MS
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto import cose
from ccfpy.crypto.certs import node_self_signed, service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.endpoints.commit_wait import AnsweringAtCommit, CommitWaiting
from ccfpy.endpoints.context import CoseClaims
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.history import History
from ccfpy.endpoints.index_strategies import Indexing
from ccfpy.endpoints.metrics import EndpointCounts
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.refusals import Marks
from ccfpy.endpoints.scripting import Scripting
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.gov.api import governance_registry
from ccfpy.http.messages import Request, Response
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import NodeSignature
from ccfpy.service import opening, shares
from ccfpy.service.evidence.quotes import VirtualQuote
from ccfpy.service.genesis import CreateInfo, FirstNode, GenesisInfo, create
from ccfpy.service.members import NewMember
from ccfpy.service.opening import Identities, ServiceKeys
from ccfpy.service.records import Refused
from ccfpy.service.tables import members
from ccfpy.service.tables.nodes import (
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
)
from ccfpy.service.tables.service import CONSTITUTION, SIGNATURES, ServiceConfiguration
from ccfpy.testing.entropy import SeededEntropy

CONSTITUTIONS = Path(__file__).resolve().parents[3] / "governance" / "constitutions"
VIEW = 2
NODE_ID = NodeId("0a" * 32)
NODE_NOW_S = 1_700_000_000
QUOTE = b'{"measurement":"m","host_data":"h","report_data":"r"}'


@dataclass
class Clock:
    """Moves on by the same step whenever somebody looks."""

    step_ns: int = 1_000
    now_ns: int = 0

    def monotonic_ns(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns


@dataclass(frozen=True)
class Member:
    member_id: MemberId
    key: KeyPair
    certificate: str
    encryption: RsaKeyPair


@pytest.fixture(scope="session")
def consortium() -> tuple[Member, ...]:
    entropy = SeededEntropy(b"consortium")
    found = []
    for number in range(4):
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = node_self_signed(
            key,
            subject=f"CN=member{number}",
            sans=(),
            not_before=datetime(2024, 1, 1, tzinfo=UTC),
            validity_days=1,
            entropy=entropy,
        )
        member_id = MemberId(certificate.digest_hex)
        encryption = RsaKeyPair.generate(entropy)
        found.append(Member(member_id, key, certificate.pem, encryption))
    return tuple(found)


@dataclass
class GoverningNode:
    """The node's part in governance; what it is asked for is kept in ``asked``."""

    store: Store = field(default_factory=Store)
    asked: list[object] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    is_reading_private_ledger: bool = False
    recovers: bool = True
    forgets_roots: bool = False
    repeats_root: bytes | None = None
    keeps_shares: bool = True

    def __post_init__(self) -> None:
        self.entropy = SeededEntropy(b"host")
        self.engine = QuickJs(Clock())
        self.secrets = LedgerSecrets([(1, LedgerSecret.generate(self.entropy))])
        self.service_key = KeyPair.generate(self.entropy, Curve.SECP384R1)
        self.service_certificate = service_certificate(
            self.service_key,
            subject="CN=Service",
            not_before=datetime(2024, 1, 1, tzinfo=UTC),
            validity_days=1,
            entropy=self.entropy,
        ).pem

    def check_room_for_script(self) -> None:
        pass

    def log(self, level: str, text: str) -> None:
        self.lines.append((level, text))

    def root_at(self, version: int) -> bytes | None:
        if self.repeats_root is not None:
            return self.repeats_root
        return None if self.forgets_roots else sha256(b"root %d" % version)

    def latest_ledger_secret_seqno(self, _: Tx) -> int:
        return self.secrets.latest[0]

    def generate_endorsed_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        self.asked.append((request_pem, valid_from, validity_days))
        return f"CERTIFICATE FOR {request_pem}"

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        self.asked.append(("renew", valid_from, validity_days))
        return "RENEWED"

    def transition_service_to_open(
        self, tx: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        identities = Identities(previous=previous_identity, next=next_identity)
        if opening.wants_to_open(tx, identities):
            keys = ServiceKeys(
                identity=self.service_key,
                ledger_secrets=self.secrets,
                entropy=self.entropy,
                unix_time_s=1,
            )
            opening.open_now(tx, keys)

    def trigger_ledger_rekey(self, tx: Tx) -> None:
        shares.rekey(tx, self.secrets, self.entropy)
        self.asked.append("rekey")

    def trigger_recovery_shares_refresh(self, tx: Tx) -> None:
        shares.shuffle(tx, self.secrets, self.entropy)
        self.asked.append("refresh")

    def trigger_ledger_chunk(self, _: Tx) -> None:
        self.asked.append("chunk")

    def trigger_snapshot(self, _: Tx) -> None:
        self.asked.append("snapshot")

    def submit_recovery_share(self, tx: Tx, member_id: str, share: bytes) -> int:
        if not self.keeps_shares:
            raise Refused("no room")
        return shares.submit(
            tx,
            MemberId(member_id),
            share,
            current=self.secrets.latest[1],
            entropy=self.entropy,
        )

    def initiate_private_recovery(self, tx: Tx) -> None:
        if not self.recovers:
            raise Refused("the shares do not fit")
        self.asked.append(shares.combine(tx, self.secrets.latest[1]).raw)


@dataclass
class Node:
    """The node as endpoints see it: every transaction commits at once."""

    store: Store
    node_id: NodeId = NODE_ID
    is_primary: bool = True
    view: int = VIEW
    unix_time_us: int = NODE_NOW_S * 1_000_000
    entropy: Entropy = field(default_factory=lambda: SeededEntropy(b"node"))

    @property
    def created_at_latest_s(self) -> int:
        return (self.unix_time_us + 1000 * CREATED_AT_AHEAD_MS) // 1_000_000

    @property
    def cose_claims(self) -> CoseClaims:
        return CoseClaims("issuer", "subject")

    @property
    def takes_writes(self) -> bool:
        return self.is_primary

    def is_at_capacity(self) -> bool:
        return False

    def tx_status(self, tx_id: TxId) -> TxStatus:
        known = tx_id.view == VIEW and tx_id.seqno <= self.store.version
        return TxStatus.COMMITTED if known else TxStatus.UNKNOWN

    def committed_tx_id(self) -> TxId | None:
        return TxId(VIEW, self.store.version) if self.store.version else None

    def view_of(self, seqno: int) -> int | None:
        return VIEW if seqno <= self.store.version else None

    def endpoint_counts(self) -> Sequence[EndpointCounts]:
        return ()

    def view_history(self, _: int) -> None:
        return None

    def receipt(self, _: TxId) -> None:
        return None

    def begin(self, *, read_only: bool) -> Tx:
        return self.store.begin(read_only=read_only)

    def commit(self, tx: Tx, _: bytes | None) -> TxId | None:
        committed = self.store.commit(tx)
        return TxId(VIEW, committed.version if committed else self.store.version)

    def address_of(self, _: str, __: str) -> None:
        return None

    def attest(self, _: bytes) -> Attestation:
        raise AssertionError("nobody here asks for evidence")

    def forward(self, _: Request, __: Session) -> Awaited:
        raise AssertionError("a primary forwards nothing")

    @property
    def commit_waits(self) -> CommitWaiting:
        raise AssertionError("nobody here waits for commit")

    @property
    def answers_at_commit(self) -> AnsweringAtCommit:
        raise AssertionError("nobody here is answered at commit")

    @property
    def scripts(self) -> Scripting:
        raise AssertionError("no application here runs scripts")

    @property
    def history(self) -> History:
        raise AssertionError("nobody here asks for the past")

    @property
    def indexing(self) -> Indexing:
        raise AssertionError("nobody here has indexes")


@dataclass
class Governed:
    """A governed service, and how to call it."""

    members: tuple[Member, ...]
    node: GoverningNode
    frontend: Frontend
    api_version: str = "2024-07-01"
    now_s: int = NODE_NOW_S
    unhandled: list[BaseException] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.node.store

    def get(self, path: str, query: str | None = None) -> Response:
        if query is None:
            query = f"api-version={self.api_version}"
        return self._call(Request(method="GET", path=f"/gov{path}", query=query))

    def post(
        self,
        path: str,
        payload: object = None,
        *,
        by: Member | int = 0,
        kind: str,
        proposal_id: str | None = None,
        created_at: int | None = None,
    ) -> Response:
        member = self.members[by] if isinstance(by, int) else by
        self.now_s += 1
        protected: dict[int | str, object] = {
            4: member.member_id.encode(),
            "ccf.gov.msg.type": kind,
            "ccf.gov.msg.created_at": self.now_s if created_at is None else created_at,
        }
        if proposal_id is not None:
            protected["ccf.gov.msg.proposal_id"] = proposal_id
        body = b"" if payload is None else payload
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.send(path, cose.sign(member.key, protected=protected, payload=body))

    def send(self, path: str, envelope: bytes) -> Response:
        return self._call(
            Request(
                method="POST",
                path=f"/gov{path}",
                query=f"api-version={self.api_version}",
                headers={"content-type": "application/cose"},
                body=envelope,
            )
        )

    def propose(self, *actions: Mapping[str, object], by: int = 0) -> Response:
        proposal = {"actions": list(actions)}
        return self.post("/members/proposals:create", proposal, by=by, kind="proposal")

    def vote(
        self, proposal_id: str, *, by: int, ballot: str = "return true"
    ) -> Response:
        path = (
            f"/members/proposals/{proposal_id}/ballots/"
            f"{self.members[by].member_id}:submit"
        )
        source = f"export function vote (proposal, proposerId) {{ {ballot} }}"
        return self.post(
            path, {"ballot": source}, by=by, kind="ballot", proposal_id=proposal_id
        )

    def acknowledge(self, by: int) -> Response:
        path = f"/members/state-digests/{self.members[by].member_id}"
        updated = self.post(f"{path}:update", by=by, kind="state_digest")
        assert updated.status == 200, updated
        return self.post(f"{path}:ack", json.loads(updated.body), by=by, kind="ack")

    def enact(self, *actions: Mapping[str, object]) -> Response:
        """Propose, and let members vote until the proposal is decided."""
        reply = self.propose(*actions)
        for number in range(3):
            if reply.status != 200 or body(reply)["proposalState"] != "Open":
                break
            reply = self.vote(str(body(reply)["proposalId"]), by=number)
        return reply

    def begin(self) -> Tx:
        return self.store.begin()

    def govern_by(self, source: str) -> None:
        """Replace the constitution behind everybody's back."""
        tx = self.begin()
        CONSTITUTION.of(tx).put(source)
        self.store.commit(tx)

    def _call(self, request: Request) -> Response:
        session = Session(id=SessionId(1), interface=InterfaceRules(name="primary"))
        path = request.path.removeprefix("/gov")
        response = self.frontend.answer(request, session, path)
        assert not self.unhandled, self.unhandled
        assert isinstance(response, Response)
        return response


def body(response: Response) -> dict[str, object]:
    value = json.loads(response.body)
    assert isinstance(value, dict)
    return value


def source_of(name: str) -> str:
    folder = CONSTITUTIONS / name
    parts = ("actions", "validate", "resolve", "apply")
    return "\n".join((folder / f"{part}.js").read_text() for part in parts)


@pytest.fixture(scope="session")
def default_constitution() -> str:
    return source_of("default")


def _create_info(
    consortium: tuple[Member, ...], constitution: str, service: str
) -> CreateInfo:
    founders = tuple(
        NewMember(
            cert=member.certificate, encryption_pub_key=member.encryption.public_key.pem
        )
        for member in consortium[:3]
    )
    node = NodeInfo(
        node_to_node_interface=NetInterface(bind_address="127.0.0.1:1"),
        rpc_interfaces={
            "primary": NetInterface(
                bind_address="127.0.0.1:2",
                published_address="node.example.com:443",
                app_protocol="HTTP1",
            )
        },
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL, quote=QUOTE, endorsements=b""
        ),
        encryption_pub_key=consortium[0].encryption.public_key.pem,
        certificate_signing_request="CSR",
    )
    return CreateInfo(
        service_certificate=service,
        create_txid=TxId(VIEW, 1),
        node=FirstNode(
            node_id=NODE_ID,
            certificate="NODE CERTIFICATE",
            info=node,
            evidence=VirtualQuote(
                VirtualEvidence(
                    measurement="measurement",
                    host_data=bytes(32).hex(),
                    report_data=bytes(32),
                )
            ),
        ),
        genesis=GenesisInfo(
            members=founders,
            configuration=ServiceConfiguration(recovery_threshold=2),
            constitution=constitution,
        ),
    )


@pytest.fixture
def fresh(consortium: tuple[Member, ...], default_constitution: str) -> Governed:
    """A service just created, with one signature, whose members did nothing yet."""
    node = GoverningNode()
    tx = node.store.begin()
    info = _create_info(consortium, default_constitution, node.service_certificate)
    create(tx, info)
    node.store.commit(tx)
    tx = node.store.begin()
    signature = NodeSignature(
        node=NODE_ID, txid=TxId(VIEW, 2), root=sha256(b"root 1"), signature=b""
    )
    SIGNATURES.of(tx).put(signature)
    node.store.commit(tx)
    unhandled: list[BaseException] = []

    def note(_: Endpoint, error: BaseException, __: Marks) -> str:
        unhandled.append(error)
        return f"id{len(unhandled)}"

    frontend = Frontend(
        governance_registry(node),
        Node(node.store),
        clock=Clock(),
        has_backpressure=True,
        on_unhandled=note,
    )
    frontend.is_open = True
    return Governed(consortium, node, frontend, unhandled=unhandled)


@pytest.fixture
def governed(fresh: Governed) -> Governed:
    """The same with its members Active."""
    tx = fresh.begin()
    infos = members.INFO.of(tx)
    for member_id, _ in list(infos.items()):
        active = members.MemberInfo(status=members.MemberStatus.ACTIVE)
        infos.put(member_id, active)
    fresh.store.commit(tx)
    return fresh


@pytest.fixture
def opened(governed: Governed) -> Governed:
    """The same, open."""
    action = {
        "name": "transition_service_to_open",
        "args": {"next_service_identity": governed.node.service_certificate},
    }
    reply = governed.enact(action)
    assert reply.status == 200, reply
    return governed
