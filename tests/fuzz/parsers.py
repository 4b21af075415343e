"""All parsers that read a stranger's bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from apps.confidential_ledger.asked import (
    parse_collection,
    parse_tags,
    parse_transaction_id,
)
from apps.confidential_ledger.user_ids import parse_user_id
from apps.etcd.json_form import from_json, to_json
from apps.etcd.messages import TxnRequest
from apps.etcd.wire import decode as decode_etcd
from apps.etcd.wire import encode as encode_etcd
from apps.scitt.configuration import Policy
from apps.scitt.did_x509 import DidX509
from apps.scitt.registration import check_signer
from apps.scitt.statement import SignedStatement
from ccfpy.attestation.manifest import Manifest
from ccfpy.attestation.simulated import Endorsements, SimulatedReport, verify_quote
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.base.units import parse_size, parse_time_us
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.crypto import cbor, certs, cose, jwk, jwt
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.jwt import TokenKey
from ccfpy.crypto.rsa import RsaPublicKey
from ccfpy.host.config import parse_configuration
from ccfpy.http.http2_call import Http2Call
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response
from ccfpy.http.parser import RequestParser
from ccfpy.http.query import parse_query
from ccfpy.http.resources import parse_accept
from ccfpy.http.response_parser import ResponseParser
from ccfpy.http.tls import ServerContext, TlsSession
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import CoseSignature, NodeSignature
from ccfpy.ledger.snapshot import Snapshot, SnapshotName
from ccfpy.service.tables import recovery
from ccfpy.testing.configuration import START_UNIX_US
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.toolkit.enclave.platform import (
    SealPolicy,
    read_report,
    report_for,
    seal,
    unseal,
)
from tests.apps import scitt_kit
from tests.fuzz import examples
from tests.unit.attestation import simulation
from tests.unit.attestation.test_manifest import SIGNED
from tests.unit.ledger.made import FIRST

REFUSALS = CcfpyError
"""Exceptions that a parser may raise for any input; ``ApiError`` is one of these."""
Write = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """One parser.

    Attributes:
        examples: makes valid bytes.
        parse: reads bytes, and uses every part of the result that a caller would use.
        write: returns the bytes of a result, if the parser has such a function.
    """

    examples: Callable[[], Sequence[bytes]]
    parse: Callable[[bytes], Any]
    write: Write | None = None


def text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Return a parser of bytes from one of text, each byte a character."""
    return lambda data: parse(data.decode("latin-1"))


def _texts(*given: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [each.encode() for each in given]


# What a caller does with what was read


def _transaction(data: bytes) -> Transaction:
    transaction = Transaction.parse(data)
    _ = transaction.leaf
    transaction.writes(LedgerSecrets([(1, examples.SECRET)]))
    return transaction


def _chunk(data: bytes) -> Chunk:
    chunk = Chunk.parse(ChunkName(first=1), data)
    for _ in chunk.entries():
        pass
    return chunk


def _receipt(data: bytes) -> Receipt:
    receipt = Receipt.parse(data)
    receipt.to_json()
    receipt.verify(examples.CERTIFICATE)
    return receipt


def _cose_receipt(data: bytes) -> CoseReceipt:
    receipt = CoseReceipt.parse(data)
    receipt.verify(FIRST.key.public_key)
    return receipt


def _snapshot(data: bytes) -> Snapshot:
    snapshot = Snapshot.parse(data)
    snapshot.private_maps(LedgerSecrets([(1, examples.SECRET)]))
    return snapshot


def _signed_request(data: bytes) -> cose.Sign1:
    message = cose.parse(data)
    message.verify(examples.KEY.public_key)
    return message


ATTESTED_STATEMENT = Path(__file__).parents[1] / "vectors/scitt/attested.cose"


@cache
def _statements() -> list[bytes]:
    return [scitt_kit.issuer(name).sign() for name in ("ES256", "PS256")]


def _statement(data: bytes) -> SignedStatement:
    statement = SignedStatement.parse(data)
    check_signer(statement, Policy(), unix_time_s=START_UNIX_US // 1_000_000)
    return statement


def _token(given: str) -> jwt.Token:
    token = jwt.parse(given)
    TokenKey.from_der(examples.KEY.public_key.der).verify(token)
    return token


def _certificate(certificate: Certificate) -> Certificate:
    """Read every field of a certificate."""
    _ = certificate.public_key_der, certificate.subject, certificate.sans
    _ = certificate.not_before, certificate.not_after, certificate.is_authority
    _ = certificate.public_key
    certificate.verify_signed_by(examples.CERTIFICATE)
    return certificate


def _bundle(data: bytes) -> list[Certificate]:
    found = certs.parse_bundle(data)
    for certificate in found:
        _ = certificate.subject, certificate.sans, certificate.public_key_der
    return found


def _request_endorsed(pem: str) -> Certificate:
    return certs.endorse_request(
        pem,
        issuer_key=FIRST.key,
        issuer_cert=examples.CERTIFICATE,
        not_before=examples.CERTIFICATE.not_before,
        validity_days=1,
        entropy=SeededEntropy(1),
    )


def _frames(vocabulary: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 - of either direction
    def parse(data: bytes) -> list[Any]:
        return [m for body in FrameReader().feed(data) for m in vocabulary.decode(body)]

    return parse


def _client_speaks(data: bytes) -> TlsSession:
    session = TlsSession(_SERVER)
    session.feed(data)
    session.take_output()
    return session


def _http2_served(data: bytes) -> Http2Server:
    """Serve the requests that can be read, up to a bound."""
    server = Http2Server()
    server.receive(data)
    while (taken := server.take_request()) is not None:
        answer = Response(status=200, body=bytes(70_000))
        server.respond(taken[0], answer, is_head=False)
    server.take_output()
    return server


def _http2_called(data: bytes) -> list[Response]:
    call = Http2Call(Request(method="GET", path="/", headers={"host": "h"}))
    responses = call.feed(data)
    call.take_output()
    return responses


def _quote(data: bytes) -> SimulatedReport:
    return verify_quote(data, simulation.MACHINE.key.public_key)


def _local_report(data: bytes) -> SimulatedReport:
    return read_report(data, simulation.MACHINE, simulation.LATER)


def _unsealed(data: bytes) -> bytes:
    return unseal(
        data, aad=b"", machine=simulation.MACHINE, identity=simulation.ENCLAVE
    )


def _sealed() -> Sequence[bytes]:
    return [
        seal(
            b"a secret",
            policy=policy,
            aad=b"",
            machine=simulation.MACHINE,
            identity=simulation.ENCLAVE,
            entropy=SeededEntropy(1),
        )
        for policy in SealPolicy
    ]


_SERVER = ServerContext(FIRST.node_certificate.pem, FIRST.node_key.pem)


def _jwk(data: bytes) -> bytes:
    return jwk.public_key_der(json.loads_object(data))


def _json_examples(make: Callable[[], Sequence[Any]]) -> Callable[[], Sequence[bytes]]:
    return lambda: [json.dumps(value) for value in make()]


def _jwks_without_chain() -> Sequence[Any]:
    return [each for each in examples.jwks() if "x5c" not in each]


PARSERS: dict[str, Parser] = {
    "JSON": Parser(examples=examples.json_texts, parse=json.loads, write=json.dumps),
    "CBOR": Parser(
        examples=examples.signed_requests, parse=cbor.decode, write=cbor.encode
    ),
    "COSE": Parser(
        examples=examples.signed_requests,
        parse=_signed_request,
        write=lambda m: cbor.encode(
            cbor.Tag(18, [m.protected_bytes, {}, m.payload, m.signature])
        ),
    ),
    "etcd request": Parser(
        examples=examples.etcd_requests,
        parse=lambda data: decode_etcd(TxnRequest, data),
        write=encode_etcd,
    ),
    "etcd request in JSON": Parser(
        examples=examples.etcd_json_requests,
        parse=lambda data: from_json(TxnRequest, json.loads(data)),
        write=lambda request: json.dumps(to_json(request)),
    ),
    "SCITT statement": Parser(
        examples=_statements,
        parse=_statement,
        write=lambda statement: statement.registered,
    ),
    "SCITT statement of an attested service": Parser(
        examples=lambda: [ATTESTED_STATEMENT.read_bytes()],
        parse=_statement,
        write=lambda statement: statement.registered,
    ),
    "did:x509": Parser(
        examples=_texts(
            f"did:x509:0:sha256:{'A' * 43}::subject:CN:a%20b:O:c::eku:1.2.3",
            f"did:x509:0:sha512:{'A' * 86}::san:dns:a.b::fulcio-issuer:a.b%2Fc",
        ),
        parse=text(DidX509.parse),
    ),
    "COSE signature": Parser(
        examples=examples.cose_signatures,
        parse=CoseSignature.from_cose,
        write=lambda signature: signature.data,
    ),
    "COSE receipt": Parser(
        examples=examples.cose_receipts,
        parse=_cose_receipt,
        write=CoseReceipt.serialise,
    ),
    "receipt": Parser(
        examples=examples.receipts,
        parse=_receipt,
        write=lambda receipt: json.dumps(receipt.to_json()),
    ),
    "entry": Parser(
        examples=examples.entries,
        parse=_transaction,
        write=lambda transaction: transaction.entry.data,
    ),
    "chunk": Parser(examples=examples.chunks, parse=_chunk),
    "snapshot": Parser(examples=examples.snapshots, parse=_snapshot),
    "Merkle tree": Parser(
        examples=examples.trees,
        parse=MerkleTree.deserialise,
        write=lambda tree: tree.serialise(tree.first),
    ),
    "node signature": Parser(
        examples=examples.signatures,
        parse=NodeSignature.parse,
        write=NodeSignature.serialise,
    ),
    "recovery shares": Parser(
        examples=examples.share_records,
        parse=recovery.SHARES.codec.decode,
        write=recovery.SHARES.codec.encode,
    ),
    "secret record": Parser(
        examples=examples.secret_records,
        parse=recovery.PAST_SECRETS.codec.decode,
        write=recovery.PAST_SECRETS.codec.encode,
    ),
    "JWT": Parser(examples=examples.tokens, parse=text(_token)),
    "JWK": Parser(examples=_json_examples(_jwks_without_chain), parse=_jwk),
    "certificate": Parser(
        examples=examples.certificates,
        parse=lambda data: _certificate(Certificate.from_der(data)),
        write=lambda certificate: certificate.der,
    ),
    "bundle of certificates": Parser(
        examples=examples.bundles,
        parse=_bundle,
        write=lambda found: "".join(each.pem for each in found).encode(),
    ),
    "certificate request": Parser(
        examples=examples.certificate_requests, parse=text(_request_endorsed)
    ),
    "public key": Parser(
        examples=lambda: [examples.KEY.public_key.pem.encode()],
        parse=PublicKey.from_pem,
        write=lambda key: key.pem.encode(),
    ),
    "public key as DER": Parser(
        examples=lambda: [examples.KEY.public_key.der],
        parse=TokenKey.from_der,
    ),
    "RSA public key": Parser(
        examples=lambda: [examples.RSA_KEY.public_key.pem.encode()],
        parse=RsaPublicKey.from_pem,
        write=lambda key: key.pem.encode(),
    ),
    "private key": Parser(
        examples=lambda: [examples.KEY.pem.encode()],
        parse=KeyPair.from_pem,
        write=lambda key: key.pem.encode(),
    ),
    "configuration": Parser(
        examples=examples.configurations,
        parse=lambda data: parse_configuration(data, name="0.config.json"),
    ),
    "events": Parser(
        examples=examples.event_frames, parse=_frames(EVENTS), write=EVENTS.encode
    ),
    "effects": Parser(
        examples=examples.effect_frames, parse=_frames(EFFECTS), write=EFFECTS.encode
    ),
    "HTTP requests": Parser(
        examples=examples.http_requests, parse=lambda data: RequestParser().feed(data)
    ),
    "HTTP responses": Parser(
        examples=examples.http_responses,
        parse=lambda data: ResponseParser().feed(data),
    ),
    "HTTP/2 requests": Parser(examples=examples.http2_requests, parse=_http2_served),
    "HTTP/2 responses": Parser(examples=examples.http2_responses, parse=_http2_called),
    "TLS": Parser(examples=examples.client_hellos, parse=_client_speaks),
    "query string": Parser(examples=examples.queries, parse=text(parse_query)),
    "Accept": Parser(
        examples=_texts("text/html;q=0.5, application/json, */*;q=0"),
        parse=text(parse_accept),
    ),
    "id of a user of a confidential ledger": Parser(
        examples=_texts("7f3c2a10-0b1d-4c55-9d27-1f0e5a6b7c8d", ":".join(["0A"] * 32)),
        parse=text(parse_user_id),
        write=str.encode,
    ),
    "tags of an entry": Parser(
        examples=_texts("red", "red,blue"), parse=text(parse_tags)
    ),
    "collection": Parser(
        examples=_texts("subledger:0"),
        parse=text(parse_collection),
        write=lambda name: name.encode("latin-1"),
    ),
    "transaction that a client asks for": Parser(
        examples=_texts("2.15"), parse=text(parse_transaction_id)
    ),
    "size": Parser(examples=_texts("64KB", "1048576"), parse=text(parse_size)),
    "time": Parser(examples=_texts("100ms", "5s"), parse=text(parse_time_us)),
    "moment": Parser(
        examples=_texts("250615000000Z", "2025-06-15 00:00:00+00:00", "20250615"),
        parse=text(certs.parse_time),
    ),
    "transaction id": Parser(
        examples=_texts("2.15"),
        parse=text(TxId.parse),
        write=lambda txid: str(txid).encode(),
    ),
    "manifest": Parser(
        examples=lambda: [SIGNED.raw],
        parse=Manifest.read,
        write=lambda manifest: manifest.raw,
    ),
    "simulated quote": Parser(
        examples=lambda: [simulation.attestation().quote],
        parse=_quote,
        write=lambda report: report.quote(simulation.MACHINE.key),
    ),
    "simulated endorsements": Parser(
        examples=lambda: [simulation.attestation().endorsements],
        parse=lambda data: Endorsements.verify(data, unix_time_s=simulation.NOW),
        write=Endorsements.serialise,
    ),
    "simulated machine": Parser(
        examples=lambda: [simulation.MACHINE.serialise()],
        parse=SimulatedMachine.parse,
        write=SimulatedMachine.serialise,
    ),
    "local report": Parser(
        examples=lambda: [
            report_for(
                simulation.LATER,
                simulation.MACHINE,
                simulation.ENCLAVE,
                report_data=simulation.REPORT_DATA,
            )
        ],
        parse=_local_report,
    ),
    "sealed text": Parser(examples=_sealed, parse=_unsealed),
    "chunk's name": Parser(
        examples=_texts("ledger_1-15.committed", "ledger_16"),
        parse=text(ChunkName.parse),
        write=lambda name: str(name).encode(),
    ),
    "snapshot's name": Parser(
        examples=_texts("snapshot_10_12.committed", "snapshot_10_12"),
        parse=text(SnapshotName.parse),
        write=lambda name: str(name).encode(),
    ),
}
