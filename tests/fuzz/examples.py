"""Well-formed examples of the parsers' inputs, made by the code that ships."""

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache

from apps.etcd.json_form import to_json
from apps.etcd.messages import (
    Compare,
    DeleteRangeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from apps.etcd.wire import encode as encode_etcd
from ccfpy.base import json
from ccfpy.base.ids import SessionId
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.effects import (
    AppendLedger,
    IdentityMade,
    LogLevel,
    SendData,
    WriteLog,
)
from ccfpy.boundary.events import LedgerRead, SessionData, SessionOpened, Tick
from ccfpy.boundary.wire import EFFECTS, EVENTS
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.crypto import certs, cose
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.http.http2_call import Http2Call
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response, serialise_request, serialise_response
from ccfpy.http.tls import TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.kv.snapshot import MapSnapshot, PublicSnapshot
from ccfpy.ledger.encrypted_shares import PreviousSecret, RecoveryShares, SecretRecord
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import RevealedLeaf
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.snapshot import receipt_bytes
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY, TREE
from ccfpy.service.tables import recovery
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.host.test_config import FULL
from tests.unit.ledger.made import FIRST, SECOND, small_ledger
from tests.unit.ledger.plain_snapshot import write_snapshot

KEY = KeyPair.generate(SeededEntropy(b"fuzz"), Curve.SECP256R1)
RSA_KEY = RsaKeyPair.generate(SeededEntropy(b"fuzz"))
LEDGER = small_ledger()
SECRET = LEDGER.secret
CERTIFICATE = FIRST.certificate
CONFIGURATION = FULL
"""A configuration file with every key."""


def tables(name: str) -> list[bytes]:
    """Return every value that the small ledger's signatures wrote to a table."""
    sets = [Transaction.parse(entry.data).domain.write_set for entry in LEDGER.entries]
    return [writes[name][SINGLE_KEY] or b"" for writes in sets if name in writes]


@cache
def entries() -> list[bytes]:
    return [entry.data for entry in LEDGER.entries]


@cache
def chunks() -> list[bytes]:
    return [file.read() for file in LEDGER.files() if "ledger_1-" in file.name]


@cache
def snapshots() -> list[bytes]:
    ledger = small_ledger()
    maps = (MapSnapshot("public:log", 4, ((b"1", 4, b"x"), (b"22", 5, b"y" * 9))),)
    state = PublicSnapshot(10, ledger.entries[9].leaf, (1, 1), maps)
    data = write_snapshot(SECRET, state, maps)
    evidence = ledger.put({"public:evidence": {SINGLE_KEY: b"{}"}}, claims=sha256(data))
    ledger.sign()
    return [data, data + receipt_bytes(ledger.receipt(evidence.seqno, sha256(data)))]


def signatures() -> list[bytes]:
    return tables(SIGNATURES)


def trees() -> list[bytes]:
    return tables(TREE)


@cache
def receipts() -> list[bytes]:
    made = [LEDGER.receipt(seqno) for seqno in (1, 4)]
    return [json.dumps(receipt.to_json()) for receipt in made]


@cache
def cose_signatures() -> list[bytes]:
    return [CoseSignature.parse(value).data for value in tables(COSE_SIGNATURES)]


@cache
def cose_receipts() -> list[bytes]:
    receipt = LEDGER.receipt(4)
    assert isinstance(receipt.leaf, RevealedLeaf)
    proof = InclusionProof(leaf=receipt.leaf, path=receipt.proof)
    signature = CoseSignature.from_cose(cose_signatures()[1])
    return [CoseReceipt(signature=signature, proof=proof).serialise()]


@cache
def signed_requests() -> list[bytes]:
    """Return requests in the form in which members sign them."""
    headers: list[cose.Header] = [
        {
            cose.KID: CERTIFICATE.digest_hex.encode(),
            "ccf.gov.msg.type": kind,
            "ccf.gov.msg.created_at": 1_750_000_000,
            "ccf.gov.msg.proposal_id": "00" * 32,
        }
        for kind in ("proposal", "ballot")
    ]
    return [cose.sign(KEY, protected=header, payload=b"{}") for header in headers]


def share_records() -> list[bytes]:
    member = {FIRST.node: b"s" * 256}
    shares = RecoveryShares(wrapped_secret=b"w" * 60, encrypted_shares=member)  # type: ignore[arg-type]  # any id
    return [recovery.SHARES.codec.encode(shares)]


def secret_records() -> list[bytes]:
    previous = PreviousSecret(encrypted=b"p" * 60, version=1, previous_stored=None)
    return [
        recovery.PAST_SECRETS.codec.encode(record)
        for record in (SecretRecord(previous=previous), SecretRecord(next_version=1))
    ]


def token_parts() -> tuple[JsonObject, JsonObject]:
    header: JsonObject = {"alg": "ES256", "kid": "k", "typ": "JWT"}
    claims: JsonObject = {"iss": "me", "exp": 10.7, "nbf": 3, "tid": "t"}
    return header, claims


def token(header: bytes, claims: bytes) -> bytes:
    """Put a signed token together."""
    text = ".".join(map(encode_base64url, (header, claims)))
    signature = encode_base64url(KEY.sign_raw(text.encode()))
    return f"{text}.{signature}".encode()


def tokens() -> list[bytes]:
    header, claims = token_parts()
    return [token(json.dumps(header), json.dumps(claims))]


def jwks() -> list[JsonObject]:
    x, y = KEY.public_key.coordinates
    numbers = RSA_KEY.library_key.private_numbers().public_numbers
    return [
        {"kty": "EC", "kid": "k", "crv": "P-256", "x": _number(x), "y": _number(y)},
        {"kty": "RSA", "kid": "k", "n": _number(numbers.n), "e": "AQAB"},
        {"kty": "EC", "kid": "k", "x5c": [b64encode(CERTIFICATE.der).decode()]},
    ]


def _number(value: int) -> str:
    size = (value.bit_length() + 7) // 8
    return encode_base64url(value.to_bytes(size, "big"))


def bundles() -> list[bytes]:
    pems = [CERTIFICATE.pem, FIRST.node_certificate.pem, SECOND.certificate.pem]
    return [pems[0].encode(), "".join(pems).encode()]


def certificates() -> list[bytes]:
    return [CERTIFICATE.der, FIRST.node_certificate.der]


def certificate_requests() -> list[bytes]:
    sans = ("iPAddress:127.0.0.1", "dNSName:localhost")
    made = certs.certificate_request(KEY, subject="CN=fuzz,O=x", sans=sans)
    return [made.encode()]


def http_requests() -> list[bytes]:
    post = Request(
        method="POST",
        path="/app/log/private",
        query="scope=x&id=%31",
        headers={"host": "h", "content-type": "application/json"},
        body=b'{"id": 1, "msg": "m"}',
    )
    chunked = (
        b"PUT /app/x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n"
        b"trailer: t\r\n\r\n5;a=b\r\nhello\r\n0\r\nt: 1\r\n\r\n"
    )
    head = b"HEAD / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
    return [serialise_request(post), chunked, serialise_request(post) + head]


def http_responses() -> list[bytes]:
    made = Response(status=200, headers={"content-type": "text/plain"}, body=b"hello")
    chunked = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    return [serialise_response(made), chunked, interim + chunked]


def http2_requests() -> list[bytes]:
    """A client's greeting and request; then, its acknowledgement of our settings."""
    headers = {"host": "h", "content-type": "application/json"}
    post = Request(
        method="POST", path="/a", query="b", headers=headers, body=b"{}" * 99
    )
    call, server = Http2Call(post), Http2Server()
    greeting = call.take_output()
    server.receive(greeting)
    call.feed(server.take_output())
    return [greeting, greeting + call.take_output()]


def http2_responses() -> list[bytes]:
    server = Http2Server()
    server.receive(http2_requests()[0])
    greeting = server.take_output()
    taken = server.take_request()
    assert taken is not None, "it is whole"
    headers = {"content-type": "text/plain"}
    answer = Response(status=200, headers=headers, body=b"hello" * 99)
    server.respond(taken[0], answer, is_head=False)
    return [greeting + server.take_output()]


@cache
def client_hellos() -> list[bytes]:
    context = ClientContext(
        trusted_pem=CERTIFICATE.pem,
        host="127.0.0.1",
        now=datetime.fromtimestamp(1_750_000_000, tz=UTC),
    )
    return [TlsSession(context).take_output()]


def event_frames() -> list[bytes]:
    session = SessionId(1)
    return [
        EVENTS.encode(
            [
                Tick(monotonic_ms=1, unix_us=2),
                SessionOpened(session=session, interface="i", peer="127.0.0.1:1"),
                SessionData(session=session, data=b"data"),
                LedgerRead(request=1, first=1, last=2, entries=(b"a", b"b")),
            ]
        )
    ]


def effect_frames() -> list[bytes]:
    return [
        EFFECTS.encode(
            [
                SendData(session=SessionId(1), data=b"data"),
                AppendLedger(first_seqno=1, entries=(b"entry",)),
                IdentityMade(
                    node_id=FIRST.node,
                    node_certificate=b"pem",
                    service_certificate=None,
                ),
                WriteLog(level=LogLevel.INFO, message="line"),
            ]
        )
    ]


def configurations() -> list[bytes]:
    return [json.dumps(CONFIGURATION)]


def queries() -> list[bytes]:
    return [b"id=1&scope=%41+b&transaction_id=2.5&flag=true&flag=&=&x"]


def json_texts() -> list[bytes]:
    value: Json = {"a": [1, -2.5, None, True, "\u20ac"], "b": {"c": {}}}
    return [json.dumps(value), *receipts()]


def _transaction() -> TxnRequest:
    nested = TxnRequest(
        success=(
            RequestOp(
                request_delete_range=DeleteRangeRequest(key=b"a", range_end=b"\x00")
            ),
        )
    )
    return TxnRequest(
        compare=(Compare(target=2, key=b"key", mod_revision=300),),
        success=(
            RequestOp(request_put=PutRequest(key=b"key", value=b"value", lease=-1)),
            RequestOp(request_txn=nested),
        ),
        failure=(RequestOp(request_range=RangeRequest(key=b"key", limit=1)),),
    )


def etcd_requests() -> list[bytes]:
    return [encode_etcd(_transaction())]


def etcd_json_requests() -> list[bytes]:
    return [json.dumps(to_json(_transaction()))]
