"""Members who make keys and sign with CCF's own tools are understood."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.logging.app import app
from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.share import constitution
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.http.messages import Response
from ccfpy.testing.node import GOV_VERSION, START_UNIX_US, InProcessNode, Person
from tests.interop.environments import Tools, missing

CONSTITUTION = "\n".join(path.read_text() for path in constitution("default"))
PROPOSAL: JsonObject = {
    "actions": [{"name": "set_recovery_threshold", "args": {"recovery_threshold": 1}}]
}
BALLOT: JsonObject = {"ballot": "export function vote () { return true }"}
NOW = datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC)
CURVES = ("secp384r1", "secp256r1")


class Desk:
    """A member's desk: keys, and CCF's tools to make and use them."""

    def __init__(self, tools: Tools, folder: Path, name: str, curve: str) -> None:
        self._tools = tools
        self._folder = folder
        self._signed = 0
        words = ("--name", name, "--curve", curve, "--gen-enc-key")
        tools.ok("keygenerator.sh", *words, cwd=folder)
        self.key = folder / f"{name}_privk.pem"
        self.certificate = folder / f"{name}_cert.pem"
        encryption_key = (folder / f"{name}_enc_privk.pem").read_text()
        self.person = Person(
            key=KeyPair.from_pem(self.key.read_text()),
            certificate=Certificate.from_pem(self.certificate.read_text()),
            encryption_key=RsaKeyPair.from_pem(encryption_key),
        )

    def sign(self, kind: str, content: Json = None, proposal_id: str = "") -> bytes:
        """Sign in one go."""
        words = self._words(kind, content, proposal_id)
        return self._tools.ok("ccf_cose_sign1", *words, "--signing-key", self.key)

    def sign_in_two_steps(self, kind: str, content: Json) -> bytes:
        """Sign as one whose key is in a vault that signs digests only."""
        words = self._words(kind, content)
        digest = self._tools.ok("ccf_cose_sign1_prepare", *words)
        signature = self._folder / "signature.json"
        signature.write_bytes(
            self._tools.answer("vault_sign.py", self.key, stdin=digest)
        )
        words += ["--signature", signature]
        return self._tools.ok("ccf_cose_sign1_finish", *words)

    def _words(
        self, kind: str, content: Json, proposal_id: str = ""
    ) -> list[str | Path]:
        self._signed += 1
        path = self._folder / "content.json"
        path.write_bytes(b"" if content is None else json.dumps(content))
        created_at = NOW + timedelta(seconds=self._signed)
        words: list[str | Path] = ["--content", path]
        words += ["--signing-cert", self.certificate, "--ccf-gov-msg-type", kind]
        words += ["--ccf-gov-msg-created-at", created_at.isoformat()]
        if proposal_id:
            words += ["--ccf-gov-msg-proposal-id", proposal_id]
        return words


class Office:
    """Two members, each at a desk, and the service they founded."""

    def __init__(self, tools: Tools, folder: Path, curve: str) -> None:
        self.desks = [Desk(tools, folder, f"m{i}", curve) for i in range(2)]
        people = [desk.person for desk in self.desks]
        self.node = InProcessNode(app, constitution=CONSTITUTION, members=people)

    def post(self, path: str, message: bytes) -> Response:
        """Hand in a signed message."""
        return self.node.request(
            "POST",
            f"/gov/{path}?api-version={GOV_VERSION}",
            body=message,
            headers={"content-type": "application/cose"},
        )

    def propose(self, message: bytes) -> JsonObject:
        """Hand in a proposal that must be taken."""
        reply = self.post("members/proposals:create", message)
        assert reply.status == 200, reply.body
        return json.loads_object(reply.body)


def _office(tools: Tools, folder: Path, curve: str = CURVES[0]) -> Office:
    if shutil.which("openssl") is None:
        missing("CCF's key generator is a script around openssl, which is not here")
    return Office(tools, folder, curve)


def _activate(office: Office) -> None:
    for desk in office.desks:
        path = f"members/state-digests/{desk.person.id}"
        update = office.post(f"{path}:update", desk.sign("state_digest"))
        digest = json.loads_object(update.body)["stateDigest"]
        ack = office.post(f"{path}:ack", desk.sign("ack", {"stateDigest": digest}))
        assert ack.status in (200, 204), ack.body


@pytest.mark.parametrize("curve", CURVES)
def test_a_whole_vote_signed_by_its_tool_is_accepted(
    tools: Tools, tmp_path: Path, curve: str
) -> None:
    office = _office(tools, tmp_path, curve)
    _activate(office)
    proposer, voter = office.desks
    proposal = office.propose(proposer.sign("proposal", PROPOSAL))
    assert proposal["proposalState"] == "Open"
    decided = proposal
    for desk in (proposer, voter):
        name = str(proposal["proposalId"])
        ballot = desk.sign("ballot", BALLOT, name)
        path = f"members/proposals/{name}/ballots/{desk.person.id}:submit"
        decided = json.loads_object(office.post(path, ballot).body)
    assert decided["proposalState"] == "Accepted"


def test_a_withdrawal_signed_by_its_tool_is_accepted(
    tools: Tools, tmp_path: Path
) -> None:
    office = _office(tools, tmp_path)
    _activate(office)
    desk = office.desks[0]
    name = str(office.propose(desk.sign("proposal", PROPOSAL))["proposalId"])
    path = f"members/proposals/{name}:withdraw"
    withdrawn = office.post(path, desk.sign("withdrawal", None, name))
    assert json.loads_object(withdrawn.body)["proposalState"] == "Withdrawn"


def test_a_proposal_signed_in_a_vault_is_accepted(tools: Tools, tmp_path: Path) -> None:
    office = _office(tools, tmp_path)
    _activate(office)
    message = office.desks[0].sign_in_two_steps("proposal", PROPOSAL)
    assert office.propose(message)["proposalState"] == "Open"


def test_a_message_changed_after_it_was_signed_is_refused(
    tools: Tools, tmp_path: Path
) -> None:
    office = _office(tools, tmp_path)
    _activate(office)
    message = office.desks[0].sign("proposal", PROPOSAL)
    changed = message.replace(b'"recovery_threshold":1', b'"recovery_threshold":2')
    assert changed != message
    reply = office.post("members/proposals:create", changed)
    assert reply.status == 401, reply.body
