"""Messages that are signed elsewhere; tests/interop has CCF's own tools make them."""

import asyncio
import base64
import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import signed_message
from ccfpy.client.keyfiles import OsEntropy
from ccfpy.client.signer import FileSigner
from ccfpy.client.signers.detached import Draft, NoProposalNamed, finish, prepare, send
from ccfpy.client.signers.signature import digest_of
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
