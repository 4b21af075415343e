import pytest

from ccfpy.crypto import cbor, cose
from ccfpy.crypto.cose import Label, sign
from ccfpy.endpoints.auth.cose import (
    CHALLENGE,
    ActiveMemberCoseSign1,
    MemberCoseSign1,
    TypedUserCoseSign1,
    UserCoseSign1,
)
from ccfpy.endpoints.auth.policy import AuthPolicy, Unauthenticated
from ccfpy.endpoints.context import Context
from ccfpy.http.errors import ApiError
from ccfpy.service.tables.members import MemberStatus
from tests.damage import with_a_bit_changed
from tests.unit.endpoints.auth.people import (
    KEY,
    OTHER_KEY,
    add_member,
    add_user,
    certificate,
    signed,
)
from tests.unit.endpoints.world import StoreNode, context_of

CERTIFICATE = certificate()
KID = CERTIFICATE.digest_hex.encode()
COSE = {"content-type": "application/cose"}


def _gov(
    kind: str = "proposal", created_at: object = 5, proposal_id: object = None
) -> bytes:
    header: dict[Label, object] = {
        "ccf.gov.msg.type": kind,
        "ccf.gov.msg.created_at": created_at,
    }
    if proposal_id is not None:
        header["ccf.gov.msg.proposal_id"] = proposal_id
    return signed(CERTIFICATE, b"payload", header)


def _context(body: bytes, node: StoreNode | None = None) -> Context:
    if node is None:
        node = StoreNode()
        add_user(node, CERTIFICATE)
        add_member(node, CERTIFICATE)
    return context_of(node, headers=COSE, body=body)


def _refusal(policy: AuthPolicy, context: Context) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        policy.authenticate(context)
    assert refusal.value.challenge == CHALLENGE
    return str(refusal.value)


def test_a_member_is_known_by_its_signature() -> None:
    caller = MemberCoseSign1().authenticate(_context(_gov(proposal_id="ab")))
    assert caller.member_id == CERTIFICATE.digest_hex
    assert caller.certificate == CERTIFICATE.pem
    assert caller.content == b"payload"
    assert caller.message_type == "proposal"
    assert caller.proposal_id == "ab"
    assert caller.created_at == 5
    assert caller.policy == "member_cose_sign1"


def test_a_user_is_known_by_its_signature() -> None:
    body = signed(CERTIFICATE, b"x", {"ccf.msg.type": "t", "ccf.msg.created_at": 9})
    caller = UserCoseSign1().authenticate(_context(body))
    assert caller.user_id == CERTIFICATE.digest_hex
    assert (caller.message_type, caller.created_at) == ("t", 9)
    assert caller.policy == "user_cose_sign1"


@pytest.mark.parametrize("created_at", [0, -1, None])
def test_a_user_need_not_say_when_it_signed(created_at: int | None) -> None:
    header: dict[Label, object] = (
        {} if created_at is None else {"ccf.msg.created_at": created_at}
    )
    caller = UserCoseSign1().authenticate(_context(signed(CERTIFICATE, b"x", header)))
    assert caller.created_at is None
    assert caller.message_type is None


def test_an_app_may_name_the_headers_itself() -> None:
    policy = UserCoseSign1(
        type_header="app.msg.type", created_at_header="app.msg.created_at"
    )
    body = signed(CERTIFICATE, b"x", {"app.msg.type": "t", "app.msg.created_at": 9})
    caller = policy.authenticate(_context(body))
    assert (caller.message_type, caller.created_at) == ("t", 9)


def test_a_typed_policy_takes_messages_of_its_type_only() -> None:
    policy = TypedUserCoseSign1("wanted")
    good = signed(CERTIFICATE, b"x", {"ccf.msg.type": "wanted"})
    assert policy.authenticate(_context(good)).message_type == "wanted"
    bad = signed(CERTIFICATE, b"x", {"ccf.msg.type": "other"})
    assert _refusal(policy, _context(bad)) == (
        "Unexpected message type: other, expected: wanted"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            _gov("ballot"),
            (
                "Found ccf.gov.msg.type set to ballot, expected ccf.gov.msg.type to be "
                "proposal"
            ),
        ),
        (
            signed(CERTIFICATE, b"x", {"ccf.gov.msg.created_at": 5}),
            "Missing ccf.gov.msg.type, expected ccf.gov.msg.type to be proposal",
        ),
    ],
)
def test_a_signature_for_one_operation_is_not_good_for_another(
    body: bytes, message: str
) -> None:
    for policy in (MemberCoseSign1("proposal"), ActiveMemberCoseSign1("proposal")):
        assert _refusal(policy, _context(body)) == message
        policy.authenticate(_context(_gov("proposal")))


def test_only_active_members_govern() -> None:
    policy = ActiveMemberCoseSign1()
    for status in (MemberStatus.ACCEPTED, None):
        node = StoreNode()
        add_member(node, CERTIFICATE, status)
        assert _refusal(policy, _context(_gov(), node)) == (
            "Signer is not an ACTIVE member"
        )
        MemberCoseSign1().authenticate(_context(_gov(), node))
    caller = policy.authenticate(_context(_gov()))
    assert caller.policy == "active_member_cose_sign1"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Missing content-type header"),
        ({"content-type": "text/plain"}, "Content type is not set to application/cose"),
    ],
)
def test_the_body_must_be_declared_cose(headers: dict[str, str], message: str) -> None:
    for policy in (MemberCoseSign1(), UserCoseSign1()):
        context = context_of(StoreNode(), headers=headers, body=_gov())
        assert _refusal(policy, context) == message


def _message(protected: dict[object, object], payload: bytes | None = b"x") -> bytes:
    parts: list[object] = [cbor.encode(protected), {}, payload, b"\0" * 64]
    return cbor.encode(cbor.Tag(cose.SIGN1_TAG, parts))


ES256 = {1: -7, 4: KID, "ccf.gov.msg.created_at": 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Failed to parse COSE_Sign1"),
        (cbor.encode([b"", {}, b"", b""]), "not a tagged COSE_Sign1"),
        (_message({4: KID}), "without an algorithm"),
        (_message({1: -7}), "Missing kid in protected header"),
        (_message({1: -7, 4: "text"}), "Missing kid in protected header"),
        (_message({1: -7, 4: KID}), "Missing created_at in protected header"),
        (_gov(created_at=-1), "Header parameter created_at must be positive"),
        (_gov(created_at="now"), "ccf.gov.msg.created_at is no number"),
        (_gov(created_at=True), "ccf.gov.msg.created_at is no number"),
        (_gov(created_at=2**63), "ccf.gov.msg.created_at is no number"),
        (_gov(proposal_id=3), "proposal_id is not text"),
        (_message({**ES256, 1: -37}), "Unsupported algorithm: -37"),
        (_message({**ES256, 1: [-7]}), "Unsupported algorithm: [-7]"),
        (_message({**ES256, 4: b"\xff"}), "Signer is not a known member"),
        (_message(ES256), "Failed to validate COSE Sign1"),
        (_message(ES256, None), "Failed to validate COSE Sign1"),
        (_message({**ES256, 1: -35}), "Failed to validate COSE Sign1"),
    ],
)
def test_a_request_that_proves_nothing_is_refused(body: bytes, message: str) -> None:
    assert message in _refusal(MemberCoseSign1(), _context(body))


@pytest.mark.parametrize("policy", [UserCoseSign1(), TypedUserCoseSign1("t")])
def test_a_users_body_that_is_no_cose_is_told_as_ccf_tells_it(
    policy: AuthPolicy,
) -> None:
    with pytest.raises(ApiError) as caught:
        policy.authenticate(_context(b"{}"))
    assert caught.value.status == 500
    assert caught.value.message.startswith("Failed to parse COSE_Sign1: ")


def test_a_signature_by_another_key_is_refused() -> None:
    forged = sign(OTHER_KEY, protected={4: KID}, payload=b"x")
    assert _refusal(UserCoseSign1(), _context(forged)) == (
        "Failed to validate COSE Sign1"
    )


def test_every_changed_bit_of_a_request_is_noticed() -> None:
    body = _gov()
    context = _context(body)
    MemberCoseSign1().authenticate(context)
    for position in range(len(body)):
        context.request.body = with_a_bit_changed(body, position)
        with pytest.raises(Unauthenticated):
            MemberCoseSign1().authenticate(context)


def test_a_stranger_is_refused_by_name() -> None:
    stranger = certificate(OTHER_KEY)
    body = signed(stranger, b"x", key=OTHER_KEY)
    assert _refusal(UserCoseSign1(), _context(body)) == "Signer is not a known user"
    assert KEY.public_key != OTHER_KEY.public_key


def test_active_members_share_members_scheme_in_openapi() -> None:
    assert MemberCoseSign1.security_scheme == ActiveMemberCoseSign1.security_scheme
    assert MemberCoseSign1.security_scheme.name == "member_cose_sign1"
    assert UserCoseSign1.security_scheme.name == "user_cose_sign1"
