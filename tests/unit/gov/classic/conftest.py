"""The classic API as scripts call it: no version, a signature or a certificate."""

import json
from dataclasses import dataclass

import pytest

from ccfpy.base.ids import MemberId, SessionId
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request, Response
from ccfpy.service.members import NewMember, add_member
from tests.unit.gov.conftest import NODE_NOW_S, Governed

UNKNOWN = "0" * 64


@dataclass
class Classic:
    """Calls the frontend of a governed service."""

    governed: Governed
    now_s: int = NODE_NOW_S

    def member_id(self, number: int) -> MemberId:
        return self.governed.members[number].member_id

    def get(self, path: str, **headers: str) -> Response:
        return self.call("GET", path, headers=headers)

    def sign(
        self,
        kind: str | None,
        payload: object = None,
        *,
        by: int = 0,
        about: str | None = None,
    ) -> bytes:
        member = self.governed.members[by]
        self.now_s += 1
        protected: dict[int | str, object] = {
            4: member.member_id.encode(),
            "ccf.gov.msg.created_at": self.now_s,
        }
        if kind is not None:
            protected["ccf.gov.msg.type"] = kind
        if about is not None:
            protected["ccf.gov.msg.proposal_id"] = about
        content = payload if isinstance(payload, bytes) else json.dumps(payload)
        if payload is None:
            content = b""
        if isinstance(content, str):
            content = content.encode()
        return cose.sign(member.key, protected=protected, payload=content)

    def post(
        self,
        path: str,
        kind: str,
        payload: object = None,
        *,
        by: int = 0,
        about: str | None = None,
    ) -> Response:
        envelope = self.sign(kind, payload, by=by, about=about)
        return self.call("POST", path, body=envelope, headers=COSE)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        certificate_of: int | None = None,
    ) -> Response:
        caller = None
        if certificate_of is not None:
            pem = self.governed.members[certificate_of].certificate
            caller = Certificate.from_pem(pem)
        path, _, query = path.partition("?")
        request = Request(
            method=method,
            path=f"/gov{path}",
            query=query,
            headers=dict(headers or {}),
            body=body,
        )
        interface = InterfaceRules(name="primary")
        session = Session(id=SessionId(1), interface=interface, caller=caller)
        response = self.governed.frontend.answer(request, session, path)
        assert not self.governed.unhandled, self.governed.unhandled
        assert isinstance(response, Response)
        return response

    def admit(self, number: int) -> None:
        """Accept one more member, who has yet to acknowledge the state."""
        newcomer = self.governed.members[number]
        tx = self.governed.begin()
        key = newcomer.encryption.public_key.pem
        add_member(tx, NewMember(cert=newcomer.certificate, encryption_pub_key=key))
        self.governed.store.commit(tx)

    def propose(self, *, by: int = 0, value: object = "x") -> str:
        """Propose an action; return the proposal's id."""
        reply = self.post("/proposals", "proposal", self.proposal(value), by=by)
        assert reply.status == 200, reply
        return str(value_of(reply)["proposal_id"])

    def proposal(self, value: object = "x") -> dict[str, object]:
        args = {"member_id": self.member_id(2), "member_data": {"note": value}}
        return {"actions": [{"name": "set_member_data", "args": args}]}

    def vote(self, about: str, *, by: int = 0, ballot: str = "return true") -> Response:
        source = f"export function vote (...known) {{ {ballot} }}"
        path = f"/proposals/{about}/ballots"
        return self.post(path, "ballot", {"ballot": source}, by=by, about=about)


COSE = {"content-type": "application/cose"}


def value_of(response: Response) -> dict[str, object]:
    value = json.loads(response.body)
    assert isinstance(value, dict), value
    return value


def error_of(response: Response) -> tuple[int, str, str]:
    error = json.loads(response.body)["error"]
    return response.status, error["code"], error["message"]


@pytest.fixture
def newborn(fresh: Governed) -> Classic:
    """A service whose members are not Active yet."""
    return Classic(fresh)


@pytest.fixture
def classic(governed: Governed) -> Classic:
    """One whose three members are Active."""
    return Classic(governed)


@pytest.fixture
def serving(opened: Governed) -> Classic:
    """The same, open."""
    return Classic(opened)
