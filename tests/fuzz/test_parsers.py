"""Whatever a stranger sends is read or refused, quickly and as documented."""

import json as standard_json
from typing import cast

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.crypto import cbor
from tests.fuzz import examples
from tests.fuzz.cost import MEMORY_BYTES_MAX, memory_peak, read_or_refuse
from tests.fuzz.mutations import JSON_VALUES, LARGE, damaged, replaced
from tests.fuzz.parsers import PARSERS
from tests.fuzz.rounds import rounds

MEGABYTE = 1 << 20


@pytest.mark.parametrize("name", PARSERS)
def test_examples_are_read(name: str) -> None:
    parser = PARSERS[name]
    for example in parser.examples():
        assert parser.parse(example) is not None


@pytest.mark.parametrize("name", [n for n, p in PARSERS.items() if p.write is not None])
def test_what_was_read_is_written_as_it_was(name: str) -> None:
    parser = PARSERS[name]
    assert parser.write is not None
    for example in parser.examples():
        assert parser.write(parser.parse(example)) == example


@pytest.mark.parametrize("name", PARSERS)
@rounds()
@given(data=st.data())
def test_a_damaged_example_is_read_or_refused(name: str, data: st.DataObject) -> None:
    parser = PARSERS[name]
    read_or_refuse(parser.parse, data.draw(damaged(parser.examples())))


JSON_PARSERS = (
    *("receipt", "node signature", "recovery shares", "secret record", "JWK"),
    *("configuration", "etcd request in JSON"),
    *("simulated endorsements", "simulated machine", "local report", "sealed text"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", JSON_PARSERS)
@rounds()
@given(data=st.data())
def test_any_value_in_a_json_document_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    parser = PARSERS[name]
    value = json.loads(data.draw(st.sampled_from(parser.examples())))
    read_or_refuse(parser.parse, _as_json(data.draw(replaced(value))))


@pytest.mark.slow
@rounds()
@given(data=st.data())
def test_any_value_in_a_token_is_read_or_refused(data: st.DataObject) -> None:
    header, claims = examples.token_parts()
    parts = [_as_json(data.draw(replaced(part))) for part in (header, claims)]
    read_or_refuse(PARSERS["JWT"].parse, examples.token(*parts))


COSE_PARSERS = (
    *("COSE", "COSE signature", "COSE receipt"),
    *("manifest", "simulated quote"),
    *("SCITT statement", "SCITT statement of an attested service"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", COSE_PARSERS)
@rounds()
@given(data=st.data())
def test_any_value_in_a_cose_message_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    parser = PARSERS[name]
    message = cbor.decode(data.draw(st.sampled_from(parser.examples())))
    parts = list(message.value)
    which = data.draw(st.integers(0, len(parts)))
    if which == 0:
        header = data.draw(replaced(cbor.decode(parts[0])))
        parts[0] = _as_cbor(header)
    elif which < len(parts):
        parts[which] = data.draw(replaced(parts[which]))
    else:
        parts = cast("list[object]", data.draw(replaced(parts)))
    tag = data.draw(st.sampled_from([18, 18, 18, 17, 98]))
    read_or_refuse(parser.parse, _as_cbor(cbor.Tag(tag, parts)))


PROOFS, INCLUSION = 396, -1


@pytest.mark.slow
@rounds()
@given(data=st.data())
def test_any_value_in_an_inclusion_proof_is_read_or_refused(
    data: st.DataObject,
) -> None:
    parser = PARSERS["COSE receipt"]
    message = cbor.decode(parser.examples()[0])
    protected, unprotected, payload, signature = message.value
    (proof,) = unprotected[PROOFS][INCLUSION]
    changed = _as_cbor(data.draw(replaced(cbor.decode(proof))))
    parts = [protected, {PROOFS: {INCLUSION: [changed]}}, payload, signature]
    read_or_refuse(parser.parse, cbor.encode(cbor.Tag(18, parts)))


@rounds()
@given(JSON_VALUES)
def test_any_json_is_written_and_read_alike(value: object) -> None:
    text = _as_json(value)
    read_or_refuse(json.loads, text)


# Little that claims to be much, and much of the same

BOMBS: dict[str, list[bytes]] = {
    "JSON": [
        b"[" * MEGABYTE,
        b'{"a":' * 100_000,
        b"1" * MEGABYTE,
        b'"' + b"\\u0000" * 9,
    ],
    "JWT": [
        *(b"." * MEGABYTE, b"a." * 3, b"W" * MEGABYTE + b"." + b"W" * 10 + b".W"),
        examples.token(b'{"alg":"ES256","kid":"k"}', b'{"iss":"m","exp":1e999}'),
        examples.token(b'{"alg":"ES256","kid":"k"}', b'{"iss":"m","exp":1e308}'),
        examples.token(b'{"alg":"ES256","kid":"\\ud800"}', b'{"iss":"m","exp":1}'),
    ],
    "CBOR": [
        b"\x9b" + b"\xff" * 8,  # an array of 2^64 - 1 items
        b"\xbb" + b"\x7f" * 8,
        b"\x5b" + b"\x00\x00\x00\xff" * 2,
        b"\x81" * MEGABYTE,
        b"\xc2" * MEGABYTE,
        b"\xc2\x5a\x00\x01\x00\x00" + b"\xff" * 65_536,
        b"\xd8\x1d" + b"\x00" * 9,
    ],
    "COSE": [b"\xd2\x9a\xff\xff\xff\xff", b"\xd2\x84\x5b" + b"\xff" * 8],
    "chunk": [
        offset + bytes(8) + size + bytes(64) for offset in LARGE for size in LARGE[:4]
    ],
    "entry": [b"\x01\x00" + b"\xff" * 6 + bytes(100), b"\x01\x00" + b"\xff" * 200],
    "snapshot": [b"\x01\x00" + b"\xff" * 6 + bytes(100)],
    "Merkle tree": [a + b + bytes(64) for a in LARGE for b in LARGE],
    "bundle of certificates": [
        b"-----BEGIN CERTIFICATE-----\n" * 30_000,
        b"-----BEGIN CERTIFICATE-----" + b"A" * MEGABYTE,
    ],
    "certificate": [b"\x30\x84\xff\xff\xff\xff", b"\x30\x80" * 100_000],
    "events": [b"\xff\xff\xff\xff", b"\x05\x00\x00\x00\xdd\xff\xff\xff\xff"],
    "effects": [b"\x0a\x00\x00\x00" + b"\x91" * 10, b"\x00" * 40_000],
    "HTTP requests": [
        b"GET /" + b"a" * MEGABYTE,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000,
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"1\r\na\r\n" * 100_000,
    ],
    "HTTP responses": [b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000],
    "etcd request": [
        b"\x12\xff\xff\xff\xff\x0f" * 10_000,
        b"\x12\x00" * 2_000,
        b"\x12\x7f\x22\x7d" * 1_000,
        b"\x12\x04\x22\x02\x12\x00" * 1_000,
        b"\x80" * MEGABYTE,
    ],
    "etcd request in JSON": [
        b'{"success":[{"request_txn":' * 30_000,
        b'{"compare":[' + b"{}," * 10_000 + b"{}]}",
        b'{"compare":[{"lease":"' + b"9" * MEGABYTE + b'"}]}',
    ],
    "query string": [b"&" * 16_384, b"=&" * 8192, b"%" * 16_384, b"a=%ff&" * 2000],
    "Accept": [b"," * 16_384, b"a/b;q=" * 2000, b";" * 16_384],
    "SCITT statement": [b"\xd2\x84\x5b" + b"\xff" * 8, b"\xd2\x84\x41\xa0" * 10_000],
    "did:x509": [
        b"did:x509:0:sha256:" + b"A" * 16_384,
        b"did:x509:0:sha256:" + b"A" * 43 + b"::subject:CN:a" * 1000,
        b"did:x509:0:sha256:" + b"A" * 43 + b"::san:dns:" + b"%2E" * 5000,
        b"did:x509:0:sha256:" + b"A" * 43 + b"::eku:" + b"1." * 8000,
    ],
    "id of a user of a confidential ledger": [b"0" * 16_384, b"0A:" * 5000],
    "tags of an entry": [b"," * 16_384, b"a," * 8000, b"a" * 16_384],
    "collection": [b"a" * 16_384],
    "transaction that a client asks for": [b"9" * 16_384, b"1." + b"9" * 5000],
    "size": [b"9" * 16_384, b"9" * 5000 + b"KB"],
    "time": [b"9" * 16_384, b"9" * 5000 + b"ms"],
    "moment": [b"9" * 16_384, b"2025-06-15" * 1000],
    "transaction id": [b"9" * 16_384, b"1." + b"9" * 5000],
    "chunk's name": [b"ledger_" + b"9" * 16_384, b"ledger_1-" + b"9" * 5000],
    "snapshot's name": [b"snapshot_" + b"9" * 16_384 + b"_1"],
    "TLS": [b"\x16\x03\x01\x40\x00" * 4000, b"\x16\x03\x01\x00\x01\x01" * 9000],
    "configuration": [b"[" * MEGABYTE, b'{"network":' * 100_000],
    "receipt": [b'{"proof":[' + b'{"left":"' * 100_000, b'{"leaf":' * 100_000],
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_claims_to_be_large_takes_neither_time_nor_memory(name: str) -> None:
    parser = PARSERS[name]
    for bomb in BOMBS[name]:
        read_or_refuse(parser.parse, bomb)
        assert memory_peak(parser.parse, bomb) < MEMORY_BYTES_MAX


def _as_json(value: object) -> bytes:
    """Write any value as other encoders might write it."""
    return standard_json.dumps(value, default=repr).encode(errors="surrogatepass")


def _as_cbor(value: object) -> bytes:
    return cbor2.dumps(value, default=lambda _, other: repr(other))
