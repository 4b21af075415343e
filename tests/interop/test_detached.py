"""Signing in two steps: a member may take either step with CCF's tools or with ours."""

import base64
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from ccfpy.client.signers.detached import Draft, finish, prepare
from ccfpy.client.vocabulary import Line, MessageType, SignatureForm
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from tests.interop.environments import Tools, missing

CREATED_AT = datetime(2025, 11, 26, 12, 0, tzinfo=UTC)
PROPOSAL = "0123456789abcdef" * 4
CONTENT = b'{"ballot": "export function vote () { return true }"}\n'
CURVES = ("secp384r1", "secp256r1")


class Desk(NamedTuple):
    """A member's files, made by CCF's own script, and CCF's tools on them."""

    tools: Tools
    folder: Path
    key: KeyPair
    certificate: Certificate

    @property
    def line(self) -> Line:
        return Line(str(self.tools.line))

    def draft(self, kind: MessageType) -> Draft:
        return Draft(
            certificate=self.certificate,
            kind=kind,
            payload=CONTENT,
            created_at=int(CREATED_AT.timestamp()),
            proposal_id=PROPOSAL if kind in ("ballot", "withdrawal") else None,
        )

    def theirs(self, command: str, kind: MessageType, *more: str | Path) -> bytes:
        content = self.folder / "content.json"
        content.write_bytes(CONTENT)
        words: list[str | Path] = ["--content", content]
        words += ["--signing-cert", self.folder / "m0_cert.pem"]
        words += ["--ccf-gov-msg-type", kind, *more]
        words += ["--ccf-gov-msg-created-at", CREATED_AT.isoformat()]
        if kind in ("ballot", "withdrawal"):
            words += ["--ccf-gov-msg-proposal-id", PROPOSAL]
        return self.tools.ok(command, *words)


@pytest.fixture(scope="module", params=CURVES)
def desk(
    request: pytest.FixtureRequest,
    tools: Tools,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A member on each curve, with each line of tools."""
    if shutil.which("openssl") is None:
        missing("CCF's key generator is a script around openssl, which is not here")
    folder = tmp_path_factory.mktemp("desk")
    words = ("--name", "m0", "--curve", request.param)
    tools.ok("keygenerator.sh", *words, cwd=folder)
    return Desk(
        tools,
        folder,
        KeyPair.from_pem((folder / "m0_privk.pem").read_text()),
        Certificate.from_pem((folder / "m0_cert.pem").read_text()),
    )


@pytest.mark.parametrize("kind", [MessageType.BALLOT, MessageType.PROPOSAL])
def test_both_steps_give_the_same_bytes_as_theirs(
    desk: Desk, kind: MessageType
) -> None:
    draft = desk.draft(kind)
    prepared = prepare(draft, desk.line)
    assert prepared == desk.theirs("ccf_cose_sign1_prepare", kind)
    raw = desk.key.sign_raw(draft.to_be_signed(desk.line))
    signature = desk.folder / "signature.json"
    value = base64.urlsafe_b64encode(raw).decode()
    signature.write_text(json.dumps({"value": value}))
    theirs = desk.theirs("ccf_cose_sign1_finish", kind, "--signature", signature)
    assert finish(draft, raw, SignatureForm.RAW) == theirs
