"""Receipts: proof that a transaction is in a service's ledger, checkable by anyone.

A receipt leads in five steps from the claims about a transaction to the certificate of
the service. Each step uses the result of the step before:

1. *evidence*: the digest of the commit evidence;
2. *leaf*: the digest over write set, evidence and claims;
3. *root*: the leaf climbs the proof;
4. *signature*: a node's key signed that root;
5. *endorsement*: the service's key, perhaps by way of later identities of the service,
   vouches for the node's certificate.

``verify`` takes the steps in order and names the first step that fails. The JSON form
has two versions; the second only says whether the transaction is itself a signature
(``src/node/receipt.cpp``, ``src/node/historical_queries_adapter.cpp``).

A receipt has only one form: hex in lower case, base64 and PEM in their usual form, and
no field that is not checked. Signatures are the exception: if an ECDSA signature ``(r,
s)`` verifies, ``(r, n - s)`` verifies too, and anybody can compute it. CCF's nodes
write either form, so both forms are accepted, for the root's signature and for
signatures in certificates. Both forms prove the same. Compare therefore what receipts
prove, never their bytes.

A receipt proves a transaction only by its commit evidence. A leaf given as a digest may
be any node of the tree, with the rest of a proof.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Self

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger import record
from ccfpy.ledger.entry import NO_CLAIMS, LeafComponents
from ccfpy.ledger.merkle import PathStep, climb

PROOF_STEPS_MAX = 64
"""No tree whose leaves are counted in 64 bits is deeper."""
ENDORSEMENTS_MAX = 1000
"""Far more recoveries than any service lives through."""


_ABSENT = object()


class ReceiptStep(StrEnum):
    """A step of verification, in the order they are taken."""

    EVIDENCE = "evidence"
    LEAF = "leaf"
    ROOT = "root"
    SIGNATURE = "signature"
    ENDORSEMENT = "endorsement"


class StepTaken(NamedTuple):
    """A step that held, and what it computed, for people to read."""

    step: ReceiptStep
    computed: str


class ReceiptRefused(VerificationFailed):
    """A receipt that does not verify.

    Attributes:
        step: the first step that failed.
        taken: the steps that held before it.
    """

    def __init__(
        self, step: ReceiptStep, reason: str, taken: Sequence[StepTaken]
    ) -> None:
        super().__init__(f"{step} step: {reason}")
        self.step = step
        self.taken = tuple(taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealedLeaf:
    """What a receipt says about the leaf.

    Attributes:
        write_set_digest: SHA-256 of the ledger entry.
        commit_evidence: the text only a node of the service could write.
        claims_digest: the application's claim; nothing where the receipt withholds it,
            so that the verifier must know it.
    """

    write_set_digest: bytes
    commit_evidence: str
    claims_digest: bytes | None = NO_CLAIMS

    @property
    def txid(self) -> TxId:
        """The transaction id that the commit evidence names.

        Raises:
            Malformed: the evidence has not its form.
        """
        kind, _, rest = self.commit_evidence.partition(":")
        txid, _, _nonce = rest.partition(":")
        if kind != "ce":
            raise Malformed(f"not commit evidence: {self.commit_evidence[:80]!r}")
        return TxId.parse(txid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt with a node's signature.

    Attributes:
        leaf: the leaf's components, or, for signatures and the oldest transactions,
            the leaf's digest alone.
        proof: the siblings from the leaf to the root.
        signature: the node's signature over the root.
        node: the node that signed.
        certificate: its certificate as PEM.
        service_endorsements: certificates of earlier identities of the service, each
            issued by the one that followed it; the first vouches for ``certificate``,
            and today's service for the last.
    """

    leaf: RevealedLeaf | bytes
    proof: tuple[PathStep, ...]
    signature: bytes
    node: NodeId
    certificate: str
    service_endorsements: tuple[str, ...] = ()

    @property
    def is_signature_transaction(self) -> bool:
        """Whether the receipt is for a signature, whose leaf is the root it signed."""
        return not isinstance(self.leaf, RevealedLeaf) and not self.proof

    @property
    def is_withholding_claims(self) -> bool:
        """Whether a verifier must know the claims; or it is of an old entry without."""
        leaf = self.leaf
        return isinstance(leaf, RevealedLeaf) and leaf.claims_digest is None

    @classmethod
    def parse(cls, data: bytes | str) -> Self:
        """Read either JSON version.

        Raises:
            Malformed: it is neither.
        """
        return cls.from_json(json.loads_object(data))

    @classmethod
    def from_json(cls, fields: Mapping[str, Json]) -> Self:
        """Read either JSON version, parsed already.

        Raises:
            Malformed: it is neither, or one of them in other letters.
        """
        receipt = cls(
            leaf=_leaf(fields),
            proof=tuple(_proof(fields.get("proof", []))),
            signature=record.blob(fields, "signature"),
            node=NodeId(record.text(fields, "node_id")),
            certificate=record.text(fields, "cert"),
            service_endorsements=_texts(fields, "service_endorsements"),
        )
        # What version 1 may leave out, version 2 has.
        plain = receipt.to_json_v2()
        given = {**fields}
        for name in ("service_endorsements", "is_signature_transaction"):
            given.setdefault(name, plain[name])
        if given != plain:
            differ = (
                name
                for name in sorted({*given, *plain})
                if given.get(name, _ABSENT) != plain.get(name, _ABSENT)
            )
            raise Malformed(f"a receipt's {next(differ)!r} is not in its one form")
        return receipt

    def to_json(self) -> JsonObject:
        """Return version 1, which ``GET /receipt`` serves and snapshots carry."""
        fields: JsonObject = {
            "cert": self.certificate,
            "node_id": self.node,
            "proof": [
                {"left" if step.is_left else "right": step.digest.hex()}
                for step in self.proof
            ],
            "signature": record.as_base64(self.signature),
        }
        if isinstance(self.leaf, RevealedLeaf):
            fields["leaf_components"] = _components(self.leaf)
        else:
            fields["leaf"] = self.leaf.hex()
        if self.service_endorsements:
            fields["service_endorsements"] = list(self.service_endorsements)
        return fields

    def to_json_v2(self) -> JsonObject:
        """Return version 2, which states whether the receipt is a signature's.

        Endorsements are always present. CCF defines no such form for signature
        transactions, whose ``leaf`` is kept here.
        """
        return {
            **self.to_json(),
            "service_endorsements": list(self.service_endorsements),
            "is_signature_transaction": self.is_signature_transaction,
        }

    def withhold_claims(self) -> Self:
        """Leave the claims digest out, so that the verifier must know the claims."""
        assert isinstance(self.leaf, RevealedLeaf), "a signature makes no claims"
        return replace(self, leaf=replace(self.leaf, claims_digest=None))

    def root(self, *, claims_digest: bytes | None = None) -> bytes:
        """Compute the root that the proof leads to.

        Raises:
            VerificationFailed: the receipt is for other claims.
        """
        return climb(_leaf_digest(self.leaf, claims_digest), self.proof)

    def steps(
        self, service: Certificate, *, claims_digest: bytes | None = None
    ) -> Iterator[StepTaken]:
        """Verify step by step, giving each step as it holds.

        Raises:
            VerificationFailed: the step after the last one given does not hold.
            Malformed: a certificate in the receipt cannot be read.
        """
        if isinstance(self.leaf, RevealedLeaf):
            evidence = sha256_hex(self.leaf.commit_evidence.encode())
            yield StepTaken(
                ReceiptStep.EVIDENCE, f"transaction {self.leaf.txid}, digest {evidence}"
            )
        else:
            yield StepTaken(ReceiptStep.EVIDENCE, "none: the leaf is given as a digest")
        leaf = _leaf_digest(self.leaf, claims_digest)
        yield StepTaken(ReceiptStep.LEAF, leaf.hex())
        root = climb(leaf, self.proof)
        yield StepTaken(
            ReceiptStep.ROOT, f"{root.hex()} over {len(self.proof)} siblings"
        )
        if not self.certificate:
            raise VerificationFailed("it does not show who signed, as in CCF 1")
        certificate = _certificate(self.certificate)
        if sha256_hex(certificate.public_key.der) != self.node:
            raise VerificationFailed(f"the certificate is not that of node {self.node}")
        try:
            certificate.public_key.verify_digest(self.signature, root)
        except VerificationFailed as error:
            if claims_digest is None and self.is_withholding_claims:
                raise VerificationFailed(
                    f"{error}: the receipt withholds the claims, which must be given"
                ) from error
            raise
        yield StepTaken(ReceiptStep.SIGNATURE, f"by node {self.node}")
        subject = certificate
        for pem in self.service_endorsements:
            issuer = _certificate(pem)
            subject.verify_signed_by(issuer)
            subject = issuer
        subject.verify_signed_by(service)
        through = through_endorsements(len(self.service_endorsements))
        yield StepTaken(
            ReceiptStep.ENDORSEMENT, f"by the service {service.digest_hex}{through}"
        )

    def verify(
        self, service: Certificate, *, claims_digest: bytes | None = None
    ) -> tuple[StepTaken, ...]:
        """Verify against the service's certificate; give what each step computed.

        Args:
            service: the certificate of the service, from a source that is trusted.
            claims_digest: what the application claimed; must be given where the receipt
                withholds it, and if given must be the one in the receipt.

        Raises:
            ReceiptRefused: a step does not hold.
        """
        order = list(ReceiptStep)
        taken: list[StepTaken] = []
        try:
            for step in self.steps(service, claims_digest=claims_digest):
                taken += (step,)
        except CcfpyError as error:
            raise ReceiptRefused(order[len(taken)], str(error), taken) from error
        return tuple(taken)


def through_endorsements(count: int) -> str:
    """Describe how many endorsements stand between a service and the signer."""
    if not count:
        return ""
    return f", through {count} endorsement{'s' if count > 1 else ''}"


def _certificate(pem: str) -> Certificate:
    certificate = Certificate.from_pem(pem)
    if certificate.pem != pem:
        raise Malformed("a certificate whose PEM is not in its one form")
    return certificate


def _leaf_digest(leaf: RevealedLeaf | bytes, claims_digest: bytes | None) -> bytes:
    if not isinstance(leaf, RevealedLeaf):
        if claims_digest is not None:
            raise VerificationFailed("a receipt of a bare leaf binds no claims")
        return leaf
    # Without a claims digest from either side this is the leaf of CCF's first
    # releases, which had none; if it was only withheld, the signature will not hold.
    claims = leaf.claims_digest
    if claims is None:
        claims = claims_digest
    elif claims_digest not in (None, claims):
        raise VerificationFailed(f"the receipt is for other claims: {claims.hex()}")
    evidence = sha256(leaf.commit_evidence.encode())
    return LeafComponents(leaf.write_set_digest, evidence, claims).leaf


def _components(leaf: RevealedLeaf) -> JsonObject:
    fields: JsonObject = {
        "commit_evidence": leaf.commit_evidence,
        "write_set_digest": leaf.write_set_digest.hex(),
    }
    if leaf.claims_digest is not None:
        fields["claims_digest"] = leaf.claims_digest.hex()
    return fields


def _leaf(fields: Mapping[str, Json]) -> RevealedLeaf | bytes:
    components = fields.get("leaf_components")
    if (components is None) == (fields.get("leaf") is None):
        raise Malformed("expected either leaf or leaf_components in a receipt")
    if components is None:
        return record.digest(fields, "leaf")
    if not isinstance(components, dict):
        raise Malformed("expected an object as leaf_components")
    claims = components.get("claims_digest")
    return RevealedLeaf(
        write_set_digest=record.digest(components, "write_set_digest"),
        commit_evidence=record.text(components, "commit_evidence"),
        claims_digest=None
        if claims is None
        else record.digest(components, "claims_digest"),
    )


def _proof(steps: Json) -> Iterator[PathStep]:
    if not isinstance(steps, list) or len(steps) > PROOF_STEPS_MAX:
        raise Malformed(f"expected a proof of at most {PROOF_STEPS_MAX} steps")
    for step in steps:
        if not isinstance(step, dict) or len(step) != 1:
            raise Malformed(f"expected left or right as a proof's step, found {step!r}")
        ((side, digest),) = step.items()
        if side not in ("left", "right") or not isinstance(digest, str):
            raise Malformed(f"expected left or right as a proof's step, found {step!r}")
        yield PathStep(side == "left", record.parse_digest(digest, side))


def _texts(fields: Mapping[str, Json], name: str) -> tuple[str, ...]:
    values = fields.get(name) or []
    if not isinstance(values, list) or len(values) > ENDORSEMENTS_MAX:
        raise Malformed(f"expected a list of certificates as {name!r}")
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise Malformed(f"expected a list of certificates as {name!r}")
    return tuple(texts)
