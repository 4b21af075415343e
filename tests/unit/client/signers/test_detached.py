"""Messages that are signed elsewhere; tests/interop has CCF's own tools make them."""

import asyncio
import base64
import functools
import hashlib
import json
from datetime import UTC, datetime

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import signed_message
from ccfpy.client.keys import FileSigner, OsEntropy
from ccfpy.client.signers.detached import (
    ALGORITHMS,
    Draft,
    NoProposalNamed,
    digest_of,
    finish,
    prepare,
    read_base64,
    read_signature,
    send,
)
from ccfpy.client.vocabulary import Line, MessageType, SignatureForm
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from tests.unit.client.conftest import Answer, Connect

NOW = 1_700_000_000
PROPOSAL = "ab" * 32
PATHS = {
    MessageType.PROPOSAL: "members/proposals:create",
    MessageType.BALLOT: f"members/proposals/{PROPOSAL}/ballots/MEMBER:submit",
    MessageType.WITHDRAWAL: f"members/proposals/{PROPOSAL}:withdraw",
    MessageType.STATE_DIGEST: "members/state-digests/MEMBER:update",
    MessageType.ACK: "members/state-digests/MEMBER:ack",
    MessageType.RECOVERY_SHARE: "recovery/members/MEMBER:recover",
}


def _certify(key: KeyPair) -> Certificate:
    return node_self_signed(
        key,
        subject="CN=member0",
        sans=[],
        not_before=datetime.now(tz=UTC),
        validity_days=1,
        entropy=OsEntropy(),
    )


KEY = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
CERTIFICATE = _certify(KEY)


def _draft(kind: MessageType = MessageType.BALLOT, payload: bytes = b"{}") -> Draft:
    return Draft(
        certificate=CERTIFICATE,
        kind=kind,
        payload=payload,
        created_at=NOW,
        proposal_id=PROPOSAL if kind in (MessageType.BALLOT, "withdrawal") else None,
    )


def _finished(draft: Draft, line: Line) -> bytes:
    return finish(draft, KEY.sign(draft.to_be_signed(line)), SignatureForm.DER)


@pytest.mark.parametrize("kind", list(MessageType))
def test_what_was_signed_elsewhere_is_what_would_be_signed_here(
    kind: MessageType,
) -> None:
    draft = _draft(kind)
    signer = FileSigner(certificate=CERTIFICATE, key=KEY)
    here = signed_message(
        signer, kind, b"{}", created_at=NOW, proposal_id=draft.proposal_id
    )
    assert _finished(draft, Line.CCF7) == asyncio.run(here)


@pytest.mark.parametrize("kind", [MessageType.BALLOT, MessageType.PROPOSAL])
@pytest.mark.parametrize("line", list(Line))
def test_the_lines_order_is_found_by_the_signature(
    kind: MessageType, line: Line
) -> None:
    message = cose.parse(_finished(_draft(kind), line))
    message.verify(CERTIFICATE.public_key)
    last = "created_at" if line is Line.CCF6 or kind == "proposal" else "proposal_id"
    assert list(message.protected)[-1] == f"ccf.gov.msg.{last}"


@pytest.mark.parametrize(("line", "alg"), [(Line.CCF6, "ES384"), (Line.CCF7, -35)])
def test_what_is_prepared_is_the_digest_and_its_algorithm(
    line: Line, alg: object
) -> None:
    draft = _draft()
    digest = digest_of(KEY.public_key, draft.to_be_signed(line))
    assert json.loads(prepare(draft, line)) == {
        "alg": alg,
        "value": base64.b64encode(digest).decode(),
    }


def test_the_hash_is_the_keys_whoever_signed_the_certificate() -> None:
    key = KeyPair.generate(OsEntropy(), Curve.SECP256R1)
    draft = Draft(
        certificate=_certify(key),
        kind=MessageType.ACK,
        payload=b"{}",
        created_at=NOW,
    )
    prepared = json.loads(prepare(draft))
    assert len(base64.b64decode(prepared["value"])) == 32


@pytest.mark.parametrize("kind", [MessageType.BALLOT, MessageType.WITHDRAWAL])
@pytest.mark.parametrize("named", [None, ""])
def test_what_is_about_a_proposal_says_which(
    kind: MessageType, named: str | None
) -> None:
    with pytest.raises(NoProposalNamed, match=f"a {kind} must say which proposal"):
        Draft(
            certificate=CERTIFICATE,
            kind=kind,
            payload=b"",
            created_at=NOW,
            proposal_id=named,
        )


def test_a_signature_of_another_draft_or_key_is_refused() -> None:
    draft = _draft()
    other = KEY.sign(_draft(payload=b"{ }").to_be_signed(Line.CCF7))
    stranger = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
    for signature in (other, stranger.sign(draft.to_be_signed(Line.CCF7))):
        with pytest.raises(VerificationFailed, match="CN=member0"):
            finish(draft, signature, SignatureForm.DER)


@pytest.mark.parametrize("kind", list(PATHS))
def test_a_message_finds_its_way(connect: Connect, kind: MessageType) -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.raw_path, request.content_type, await request.read()))
        return web.Response(status=204)

    message = _finished(_draft(kind), Line.CCF7)
    assert _send(connect, answer, message) == 204
    path = PATHS[kind].replace("MEMBER", CERTIFICATE.digest_hex)
    assert seen == [
        (f"/gov/{path}?api-version=2024-07-01", "application/cose", message)
    ]


def test_a_refusal_is_raised(connect: Connect) -> None:
    async def answer(_: web.Request) -> web.Response:
        error = {"error": {"code": "ProposalNotOpen", "message": "it is Accepted"}}
        return web.json_response(error, status=400)

    with pytest.raises(ServiceError, match="ProposalNotOpen"):
        _send(connect, answer, _finished(_draft(), Line.CCF7))


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ({}, Malformed),
        ({cose.KID: b"abcd"}, Malformed),
        (
            {cose.KID: b"abcd", "ccf.gov.msg.type": "encrypted_recovery_share"},
            Malformed,
        ),
        ({cose.KID: b"abcd", "ccf.gov.msg.type": ["ack"]}, Malformed),
        ({cose.KID: b"../../x", "ccf.gov.msg.type": "ack"}, Malformed),
        ({"ccf.gov.msg.type": "ack"}, Malformed),
        ({cose.KID: b"abcd", "ccf.gov.msg.type": "ballot"}, NoProposalNamed),
    ],
)
def test_what_belongs_nowhere_is_not_sent(
    connect: Connect, header: cose.Header, kind: type[Exception]
) -> None:
    async def answer(_: web.Request) -> web.Response:
        raise AssertionError("nothing was to be sent")

    with pytest.raises(kind):
        _send(connect, answer, cose.sign(KEY, protected=header, payload=b""))


def _send(connect: Connect, answer: Answer, message: bytes) -> int:
    async def sending() -> int:
        async with connect(answer) as connection:
            return (await send(connection, message)).status

    return asyncio.run(sending())


MESSAGE = b"to be signed"
FORMS = list(SignatureForm)


@functools.cache
def _member(curve: Curve) -> tuple[KeyPair, Certificate]:
    key = KeyPair.generate(OsEntropy(), curve)
    certificate = node_self_signed(
        key,
        subject="CN=member0",
        sans=[],
        not_before=datetime.now(tz=UTC),
        validity_days=1,
        entropy=OsEntropy(),
    )
    return key, certificate


def _written(key: KeyPair, form: SignatureForm) -> bytes:
    signature = key.sign_raw(MESSAGE) if form.is_raw else key.sign(MESSAGE)
    return base64.b64encode(signature) + b"\n" if form.is_text else signature


@pytest.mark.parametrize("curve", list(Curve))
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_on_each_curve(form: SignatureForm, curve: Curve) -> None:
    key, certificate = _member(curve)
    raw = read_signature(
        _written(key, form), form, certificate=certificate, to_be_signed=MESSAGE
    )
    assert raw == key.sign_raw(MESSAGE)


@pytest.mark.parametrize("said", FORMS)
@pytest.mark.parametrize("meant", FORMS)
def test_a_form_that_was_not_said_is_named(
    said: SignatureForm, meant: SignatureForm
) -> None:
    if said is meant:
        return
    key, certificate = _member(Curve.SECP384R1)
    with pytest.raises(VerificationFailed, match=f"is not {said}: it is {meant}, so"):
        read_signature(
            _written(key, meant), said, certificate=certificate, to_be_signed=MESSAGE
        )


@pytest.mark.parametrize("form", FORMS)
def test_another_keys_signature_is_refused(form: SignatureForm) -> None:
    stranger = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
    _, certificate = _member(Curve.SECP384R1)
    with pytest.raises(VerificationFailed, match="certificate CN=member0: another key"):
        read_signature(
            _written(stranger, form),
            form,
            certificate=certificate,
            to_be_signed=MESSAGE,
        )


@given(st.binary(max_size=200), st.sampled_from(FORMS))
def test_any_bytes_are_refused_and_nothing_else_is_raised(
    data: bytes, form: SignatureForm
) -> None:
    _, certificate = _member(Curve.SECP256R1)
    with pytest.raises(VerificationFailed):
        read_signature(data, form, certificate=certificate, to_be_signed=MESSAGE)


@pytest.mark.parametrize("curve", list(Curve))
def test_the_digest_and_the_algorithm_are_the_keys(curve: Curve) -> None:
    key, _ = _member(curve)
    names = {
        Curve.SECP256R1: ("sha256", "ES256"),
        Curve.SECP384R1: ("sha384", "ES384"),
        Curve.SECP521R1: ("sha512", "ES512"),
    }
    name, algorithm = names[curve]
    expected = hashlib.new(name, MESSAGE).digest()
    assert digest_of(key.public_key, MESSAGE) == expected
    assert ALGORITHMS[curve] == algorithm


@given(st.binary(max_size=64), st.booleans(), st.booleans())
def test_base64_is_read_in_either_alphabet_padded_or_not_and_in_lines(
    data: bytes, is_urlsafe: bool, is_padded: bool
) -> None:
    encode = base64.urlsafe_b64encode if is_urlsafe else base64.b64encode
    text = encode(data) if is_padded else encode(data).rstrip(b"=")
    lines = [text[at : at + 20] for at in range(0, len(text), 20)]
    assert read_base64(b" " + b"\r\n".join(lines) + b"\n") == data


@pytest.mark.parametrize("text", [b"%", b"a", b'"YWJj"', b"\xff"])
def test_what_is_no_base64_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed, match="not base64"):
        read_base64(text)
