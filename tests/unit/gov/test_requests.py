"""Ids in paths have their form, and signatures name what the path names."""

import json

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.gov.requests import SignedRequest
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.gov.conftest import Governed

OTHER = "0" * 64
KEY = KeyPair.generate(SeededEntropy(1), Curve.SECP256R1)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/service/members/{}", "member"),
        ("/service/users/{}", "user"),
        ("/service/nodes/{}", "node"),
        ("/members/proposals/{}", "proposal"),
        ("/recovery/encrypted-shares/{}", "member"),
    ],
)
@pytest.mark.parametrize("text", ["a", "g" * 64, "0" * 63, "0" * 65])
def test_an_id_is_64_hex_digits(
    governed: Governed, path: str, kind: str, text: str
) -> None:
    reply = governed.get(path.format(text))
    assert reply.status == 400
    assert json.loads(reply.body)["error"] == {
        "code": "InvalidResourceName",
        "message": f"'{text}' is not a valid hex-encoded {kind} ID",
    }


def test_upper_case_digits_are_an_id_that_nothing_has(governed: Governed) -> None:
    reply = governed.get(f"/service/members/{'A' * 64}")
    assert reply.status == 404


def test_a_ballot_counts_only_for_the_proposal_it_was_signed_for(
    governed: Governed,
) -> None:
    member_id = governed.members[0].member_id
    path = f"/members/proposals/{OTHER}/ballots/{member_id}:submit"
    for signed_for in (None, "1" * 64):
        reply = governed.post(path, {}, kind="ballot", proposal_id=signed_for)
        assert reply.status == 400
        assert json.loads(reply.body)["error"] == {
            "code": "InvalidResourceName",
            "message": "Authenticated proposal id does not match URL",
        }


def test_a_ballot_counts_only_for_the_member_who_signed_it(governed: Governed) -> None:
    path = f"/members/proposals/{OTHER}/ballots/{OTHER}:submit"
    reply = governed.post(path, {}, kind="ballot", proposal_id=OTHER)
    assert reply.status == 400
    message = json.loads(reply.body)["error"]["message"]
    assert message == "Authenticated member id does not match URL"


def test_a_payload_lacking_its_text_is_malformed() -> None:
    for payload in (b"", b"[]", b"{}", b'{"share":1}'):
        signed = SignedRequest(
            member_id=MemberId("m"),
            payload=payload,
            message=cose.parse(cose.sign(KEY, protected={}, payload=payload)),
            envelope=b"",
            created_at=0,
            proposal_id=None,
        )
        with pytest.raises(Malformed):
            signed.text("share")
