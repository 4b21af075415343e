"""A node that began where a ledger ends, and a host that has that ledger, or lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.boundary.effects import ReadLedger, WriteLog
from ccfpy.boundary.events import LedgerRead
from ccfpy.consensus import log as consensus
from ccfpy.endpoints.pending import Answer
from ccfpy.endpoints.session import Session
from ccfpy.http.messages import Request, Response
from ccfpy.kv.changes import Writes
from ccfpy.kv.store import Store
from ccfpy.ledger.encrypted_shares import SecretRecord
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.tables import IDENTITY_ENDORSEMENT, SINGLE_KEY
from ccfpy.node.history import StateCache
from ccfpy.node.host_reads import LedgerReads
from ccfpy.node.identity import ServiceIdentity
from ccfpy.node.outbox import Outbox
from ccfpy.node.ports import WakeFlag
from ccfpy.node.replication.ledger_tail import EntryLimits, LedgerTail
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.service import ServiceInfo
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, Identity, MadeLedger
from tests.unit.node.calling import app_code

ENTROPY = SeededEntropy(5)
VIEWS_PER_RECOVERY = 2


@dataclass
class Story:
    """A ledger being written, by one service after another, under several secrets.

    Attributes:
        secrets: every ledger secret, by the first seqno it applies to.
        starts: the first seqno of each view.
        created: where each service was created, and with which key.
        recorded: where the latest record of a past secret is.
        endorsed: where the latest endorsement of a service is.
        signed: where the latest signature is.
        is_by_ccf: each record of a service leads to the one before it, as in CCF, not
            to that of the service before.
        written: where services are recorded.
    """

    ledger: MadeLedger = field(default_factory=MadeLedger)
    secrets: dict[Seqno, LedgerSecret] = field(default_factory=dict)
    starts: list[Seqno] = field(default_factory=lambda: [1, 1])
    created: list[tuple[Seqno, Identity]] = field(default_factory=list)
    recorded: Seqno | None = None
    endorsed: Seqno | None = None
    signed: Seqno = 0
    is_by_ccf: bool = False
    written: list[Seqno] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secrets[1] = self.ledger.secret
        self.create(FIRST)

    @property
    def last(self) -> Seqno:
        return len(self.ledger.entries)

    def create(self, identity: Identity) -> None:
        """Begin a service, or recover the one before."""
        ledger = self.ledger
        at = self.last + 1
        ledger.identity = identity
        if self.created:
            ledger.view += VIEWS_PER_RECOVERY
            self.starts += [at] * VIEWS_PER_RECOVERY
            status = ServiceStatus.RECOVERING
        else:
            status = ServiceStatus.OPENING
        self._record(identity, status, at)
        self.created.append((at, identity))
        self.sign()

    def open(self, *, endorses: bool = True, signer: Identity | None = None) -> None:
        """Open the service, which endorses the one before, or itself."""
        at, identity = self.created[-1]
        writes = self._info(identity, ServiceStatus.OPEN, at)
        if endorses:
            endorsement = self._endorsement(signer or identity)
            writes[IDENTITY_ENDORSEMENT] = {SINGLE_KEY: endorsement.serialise()}
            self.endorsed = self.last + 1
        self.ledger.put(writes)
        self.sign()

    def say(self, *texts: str) -> list[Seqno]:
        """Write transactions of an application."""
        return [self.ledger.say(text).seqno for text in texts]

    def sign(self) -> Seqno:
        """Sign, and store the tree since the signature before, as nodes do."""
        ledger = self.ledger
        txid = TxId(ledger.view, self.last + 1)
        tables = ledger.identity.signer.sign(
            txid, ledger.tree, issued_at=ISSUED_AT, stored_from=self.signed
        )
        self.signed = ledger.put(tables).seqno
        return self.signed

    def rekey(self, *, is_reissued: bool = False) -> None:
        """Go on under another secret, the one before written down under it."""
        version, former = max(self.secrets.items(), key=lambda item: item[0])
        secret = LedgerSecret.generate(ENTROPY)
        for _ in range(1 + is_reissued):
            written = SecretRecord.make(
                secret,
                previous=(version, former),
                previous_stored=self.recorded,
                next_version=None,
                entropy=ENTROPY,
            )
            table = {SINGLE_KEY: recovery.PAST_SECRETS.codec.encode(written)}
            self.recorded = self.ledger.put({recovery.PAST_SECRETS.name: table}).seqno
        self.ledger.secret = LedgerSecret(raw=secret.raw, previous_stored=self.recorded)
        self.secrets[self.last + 1] = self.ledger.secret

    def renew_secret(self) -> None:
        """Go on under another secret, as a recovery does, which is recorded later."""
        self.secrets[self.last + 1] = self.ledger.secret = LedgerSecret.generate(
            ENTROPY
        )

    def record_secret(self) -> None:
        """Write down, under the latest secret, the one before it."""
        (*_, former, (version, secret)) = sorted(
            self.secrets.items(), key=lambda item: item[0]
        )
        written = SecretRecord.make(
            secret,
            previous=former,
            previous_stored=self.recorded,
            next_version=version,
            entropy=ENTROPY,
        )
        table = {SINGLE_KEY: recovery.PAST_SECRETS.codec.encode(written)}
        self.recorded = self.ledger.put({recovery.PAST_SECRETS.name: table}).seqno
        self.secrets[version] = self.ledger.secret = LedgerSecret(
            raw=secret.raw, previous_stored=self.recorded
        )

    def _record(self, identity: Identity, status: ServiceStatus, at: Seqno) -> None:
        self.ledger.put(self._info(identity, status, at))

    def _info(
        self, identity: Identity, status: ServiceStatus, at: Seqno
    ) -> dict[str, Writes]:
        before = [created for created, _ in self.created if created < at]
        if self.is_by_ccf:
            before = self.written.copy()
        self.written.append(self.last + 1)
        info = ServiceInfo(
            cert=identity.certificate.pem,
            status=status,
            previous_service_identity_version=before[-1] if before else None,
            current_service_create_txid=TxId(self.ledger.view, at),
        )
        value = service.INFO.codec.encode(info)
        return {service.INFO.name: {SINGLE_KEY: value}, **identity.node_info()}

    def _endorsement(self, signer: Identity) -> IdentityEndorsement:
        at, identity = self.created[-1]
        if len(self.created) == 1:
            endorsed, epoch = identity, Epoch(begin=TxId(self.ledger.view, at))
        else:
            since, endorsed = self.created[-2]
            view = self.ledger.view - VIEWS_PER_RECOVERY
            epoch = Epoch(
                begin=TxId(view, since), end=TxId(view, at - 1), last_root=bytes(32)
            )
        return IdentityEndorsement.make(
            signer.key,
            endorsed.key.public_key.der,
            epoch,
            issued_at=ISSUED_AT,
            previous_version=self.endorsed,
        )


def recovered(*, endorses: bool = True) -> Story:
    """Build a recovered service's story: entries 1 to 7 are the first service's."""
    story = Story()
    story.open(endorses=endorses)
    story.say("old one", "old two")
    story.sign()
    story.create(SECOND)
    story.open(endorses=endorses)
    story.say("new")
    story.sign()
    return story


class World:
    """The node, and its host.

    Attributes:
        lies: what the host gives in the place of entries; nothing where it has none.
        read: the stretches of the ledger that the node asked for.
        logs: what it logged.
        given: whom requests were run again for.
    """

    def __init__(
        self,
        story: Story,
        *,
        secrets: Mapping[Seqno, LedgerSecret] | None = None,
        bytes_max: int = 10**6,
        has_tree: bool = True,
    ) -> None:
        self.story = story
        entries = story.ledger.entries
        self.entries = {i: entry.data for i, entry in enumerate(entries, 1)}
        self.lies: dict[Seqno, bytes | None] = {}
        self.read: list[tuple[Seqno, Seqno]] = []
        self.logs: list[WriteLog] = []
        self.served: list[Request] = []
        self.answers: list[Answer] = []
        self.per_answer = 10**6
        self.outbox = Outbox()
        self.reads = LedgerReads(self.outbox)
        known = story.secrets if secrets is None else secrets
        self.tail = LedgerTail(
            store=_state(story),
            secrets=LedgerSecrets(known.items()),
            bounds=EntryLimits(chunk_bytes=10**6, entry_bytes_max=10**6),
            outbox=self.outbox,
        )
        if has_tree:
            stored = story.ledger.tree.serialise(story.last)
            self.tail.begin_after(MerkleTree.deserialise(stored))
        self.log = consensus.Log(
            starts=story.starts, last_seqno=story.last, commit_seqno=story.last
        )
        _, identity = story.created[-1]
        self.cache = StateCache(
            wake_flag=WakeFlag(),
            due=lambda call: call.run(),
            tail=self.tail,
            log=lambda: self.log,
            reads=self.reads,
            identity=lambda: ServiceIdentity(
                key=identity.key, certificate=identity.certificate
            ),
            entropy=ENTROPY,
            outbox=self.outbox,
            serve=self._serve,
            app=app_code(self.outbox),
            bytes_max=bytes_max,
            now_ms=0,
        )

    def work(self) -> None:
        """Make the host answer whatever it is asked, until nothing is."""
        while self.turn():
            pass

    def turn(self) -> bool:
        """End a step, and let the host answer; tell whether it was asked anything."""
        self.cache.work()
        self.cache.ask()
        asked = self.take_reads()
        for effect in asked:
            self.answer(effect)
        return bool(asked)

    def take_reads(self) -> list[ReadLedger]:
        """Return what the host is asked now."""
        effects = self.outbox.take()
        self.logs += [effect for effect in effects if isinstance(effect, WriteLog)]
        return [effect for effect in effects if isinstance(effect, ReadLedger)]

    def answer(self, effect: ReadLedger) -> None:
        self.read.append((effect.first, effect.last))
        entries: list[bytes] = []
        for seqno in range(effect.first, effect.last + 1)[: self.per_answer]:
            data = self.lies.get(seqno, self.entries.get(seqno))
            if data is None:
                break
            entries.append(data)
        last = effect.first + len(entries) - 1 if entries else effect.last
        self.reads.answered(
            LedgerRead(
                request=effect.request,
                first=effect.first,
                last=last,
                entries=tuple(entries) or None,
            )
        )

    def complaints(self) -> list[str]:
        """Return what the node logged as failures, and forget it."""
        self.work()
        said = [log.message for log in self.logs]
        self.logs.clear()
        return said

    def _serve(self, request: Request, _: Session) -> Answer:
        self.served.append(request)
        return self.answers.pop(0) if self.answers else Response(status=200)


def _state(story: Story) -> Store:
    store = Store()
    secrets = LedgerSecrets(story.secrets.items())
    for seqno, entry in enumerate(story.ledger.entries, 1):
        store.apply(seqno, Transaction.parse(entry.data).writes(secrets))
    store.compact(story.last)
    return store
