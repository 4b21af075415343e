"""What each action of the default constitution will not take or cannot do."""

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.js.engine import JsException
from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import Service
from tests.governance.proposals import (
    CERT,
    DER_KEY,
    MEMBER,
    PENDING,
    POLICY,
    POLICY_DIGEST,
    STRANGER,
    TRUSTED,
    act,
    bundle,
    case_ids,
    populated,
)
from tests.unit.js.conftest import Authority


@pytest.fixture
def service(engine: QuickJs) -> Service:
    return populated(engine)


BAD_TYPE = "must be of type string but is"
BAD_PEM = "must be a valid X509 certificate (bundle) in PEM format"
NOT_HEX_ID = "contains non-hexadecimal character"

REFUSED: list[tuple[JsonObject, str]] = [
    ({"name": "no_such"}, "no_such: no such action"),
    ({"name": "set_user"}, f"cert {BAD_PEM}"),
    (act("set_constitution", constitution=1), f"constitution {BAD_TYPE} number"),
    (act("set_constitution", constitution=""), "constitution is empty"),
    (act("set_constitution", constitution="!"), "Failed to compile"),
    (act("set_member", cert="x"), f"cert {BAD_PEM}"),
    (
        act("set_member", cert=CERT, member_data=1),
        "member_data must be of type object but is number",
    ),
    (
        act("set_member", cert=CERT, encryption_pub_key="k", recovery_role="King"),
        "recovery_role must be one of NonParticipant,Participant,Owner",
    ),
    (
        act("set_member", cert=CERT, recovery_role="Owner"),
        "Cannot specify a recovery_role value when encryption_pub_key is not specified",
    ),
    (act("remove_member"), f"member_id {BAD_TYPE} undefined"),
    (act("set_member_data", member_id=MEMBER, member_data=None), "is null"),
    (act("remove_user", user_id=42), f"user_id {BAD_TYPE} number"),
    (
        act("remove_user", user_id="deadbeef"),
        "user_id must contain exactly 64 characters",
    ),
    (act("remove_user", user_id="0" + MEMBER), "exactly 64 characters"),
    (act("remove_user", user_id="toto" * 16), f"user_id {NOT_HEX_ID}"),
    (act("set_user", cert=CERT, user_data=1), "user_data must be of type object"),
    (act("set_user_data", user_id=MEMBER, user_data=""), "user_data must be of type"),
    (act("set_recovery_threshold"), "threshold must be an integer"),
    (
        act("set_recovery_threshold", recovery_threshold=0),
        "threshold must be greater than 1",
    ),
    (
        act("set_recovery_threshold", recovery_threshold=255),
        "threshold must be lower than 254",
    ),
    (
        act("set_service_configuration", consensus="CFT"),
        "Cannot change consensus via set_service_configuration.",
    ),
    (
        act("set_service_configuration", recent_cose_proposals_window_size=0),
        "recent cose proposals window size must be greater than 1",
    ),
    (
        act("set_service_configuration", reconfiguration_type=1),
        f"reconfiguration type {BAD_TYPE} number",
    ),
    (
        act("trigger_ledger_rekey", x=1),
        'Proposal does not accept any argument, found "[object Object]"',
    ),
    (act("trigger_recovery_shares_refresh", x=1), "does not accept any argument"),
    (
        act("transition_service_to_open"),
        f"next service identity (PEM certificate) {BAD_TYPE} undefined",
    ),
    (
        act("transition_service_to_open", next_service_identity="x"),
        f"next_service_identity {BAD_PEM}",
    ),
    (
        act(
            "transition_service_to_open",
            next_service_identity=CERT,
            previous_service_identity="x",
        ),
        f"previous_service_identity {BAD_PEM}",
    ),
    (act("set_js_app"), "bundle must be of type object but is undefined"),
    (
        act("set_js_app", bundle=bundle(mode="x")),
        (
            'bundle.metadata.endpoints["/x"]["get"].mode must be one of '
            "readwrite,readonly,historical"
        ),
    ),
    (
        act("set_js_app", bundle=bundle(js_module="b.js")),
        "module 'b.js' not found in bundle",
    ),
    (
        act("set_js_app", bundle=bundle(authn_policies=[1])),
        "authn_policies[0] must be of type string or object but is number",
    ),
    (
        act("set_js_app", bundle=bundle(authn_policies=[{"all_of": [1]}])),
        f"authn_policies[0].all_of[0] {BAD_TYPE} number",
    ),
    (
        act("set_js_app", bundle=bundle(redirection_strategy="x")),
        "redirection_strategy must be one of none,to_primary,to_backup",
    ),
    (act("set_js_app", bundle=bundle(), disable_bytecode_cache=1), "type boolean"),
    (act("set_js_runtime_options"), "max_heap_bytes must be an integer"),
    (
        act("set_python_runtime_options", max_execution_time_ms=0),
        "max_execution_time_ms must be",
    ),
    (
        act("set_python_runtime_options", max_response_bytes=64 * 2**20 + 1),
        "max_response_bytes must be",
    ),
    (act("set_python_runtime_options", log_exception_details=1), "type boolean"),
    (act("set_ca_cert_bundle", name="n", cert_bundle="x"), f"cert_bundle {BAD_PEM}"),
    (act("remove_ca_cert_bundle"), f"name {BAD_TYPE} undefined"),
    (act("set_jwt_issuer"), f"issuer {BAD_TYPE} undefined"),
    (
        act("set_jwt_issuer", issuer="https://i", auto_refresh=True),
        "ca_cert_bundle_name is missing but required if auto_refresh is true",
    ),
    (
        act(
            "set_jwt_issuer",
            issuer="http://i",
            auto_refresh=True,
            ca_cert_bundle_name="ca",
        ),
        "issuer must be a URL starting with https:// if auto_refresh is true",
    ),
    (
        act(
            "set_jwt_issuer",
            issuer="https://i?q",
            auto_refresh=True,
            ca_cert_bundle_name="ca",
        ),
        "issuer must be a URL without query/fragment if auto_refresh is true",
    ),
    (
        act("set_jwt_issuer", issuer="i", jwks={"keys": [{"kid": "k", "kty": "RSA"}]}),
        "JWK must contain either x5c, or n/e for RSA key type, or x/y/crv",
    ),
    (
        act("set_jwt_issuer", issuer="i", jwks={"keys": [{**DER_KEY, "x5c": ["x"]}]}),
        f"jwks.keys[0].x5c[0] {BAD_PEM}",
    ),
    (
        act("set_jwt_issuer", issuer="i", jwks={"keys": [{**DER_KEY, "x5c": []}]}),
        "jwks.keys[0].x5c must be an array of minimum 1 elements",
    ),
    (
        act("set_jwt_public_signing_keys", issuer="i", jwks={"keys": 1}),
        "jwks.keys must be an array",
    ),
    (act("remove_jwt_issuer", issuer=1), f"issuer {BAD_TYPE} number"),
    (act("add_node_code"), f"code_id {BAD_TYPE} undefined"),
    (act("remove_node_code"), f"code_id {BAD_TYPE} undefined"),
    (act("add_virtual_measurement"), f"measurement {BAD_TYPE} undefined"),
    (act("remove_virtual_measurement"), f"measurement {BAD_TYPE} undefined"),
    (act("add_virtual_host_data"), f"host_data {BAD_TYPE} undefined"),
    (act("remove_virtual_host_data"), f"host_data {BAD_TYPE} undefined"),
    (act("add_snp_measurement"), f"measurement {BAD_TYPE} undefined"),
    (act("remove_snp_measurement"), f"measurement {BAD_TYPE} undefined"),
    (
        act("add_snp_host_data", security_policy=POLICY, host_data="00"),
        f"The hash of raw policy {POLICY_DIGEST} does not match digest 00",
    ),
    (
        act("add_snp_host_data", security_policy=POLICY, host_data="zz"),
        "Hex string invalid: Non-hex character zz",
    ),
    (act("remove_snp_host_data"), f"host_data {BAD_TYPE} undefined"),
    (act("add_snp_uvm_endorsement", did="d", feed="f"), f"svn {BAD_TYPE} undefined"),
    (act("remove_snp_uvm_endorsement", did="d"), f"feed {BAD_TYPE} undefined"),
    (
        act("set_snp_minimum_tcb_version", cpuid="00A00F11"),
        "cpuid must be a lowercase hex string: 00A00F11",
    ),
    (
        act("set_snp_minimum_tcb_version", cpuid="00a00f11", tcb_version={}),
        "tcb_version.boot_loader must be of type number but is undefined",
    ),
    (
        act("set_snp_minimum_tcb_version_hex", cpuid="00a00f11", tcb_version="00"),
        "tcb_version must convert to exactly 8 bytes",
    ),
    (
        act("remove_snp_minimum_tcb_version", cpuid="0"),
        "Hex string invalid: length must be multiple of 2",
    ),
    (act("set_node_data", node_id="x"), "node_id must contain exactly 64 characters"),
    (
        act("transition_node_to_trusted", node_id=PENDING),
        f"valid_from {BAD_TYPE} undefined",
    ),
    (
        act(
            "transition_node_to_trusted",
            node_id=PENDING,
            valid_from="now",
            validity_period_days=0,
        ),
        "validity_period_days must be greater than 1",
    ),
    (act("remove_node", node_id=1), f"node_id {BAD_TYPE} number"),
    (
        act("set_node_certificate_validity", node_id=TRUSTED),
        f"valid_from {BAD_TYPE} undefined",
    ),
    (
        act(
            "set_all_nodes_certificate_validity",
            valid_from="now",
            validity_period_days="1",
        ),
        "validity_period_days must be an integer",
    ),
    (act("set_service_certificate_validity"), f"valid_from {BAD_TYPE} undefined"),
    (act("assert_service_identity", service_identity="x"), BAD_PEM),
    (
        act(
            "assert_service_identity",
            service_identity=Authority.named("Other").certificate.pem,
        ),
        "Service identity certificate mismatch",
    ),
]

FAILING: list[tuple[JsonObject, str]] = [
    (
        act("remove_member", member_id=MEMBER),
        (
            "Number of active recovery members (0) would be less than recovery "
            "threshold (1)"
        ),
    ),
    (
        act("set_member_data", member_id=STRANGER, member_data={}),
        f"Member {STRANGER} does not exist",
    ),
    (
        act("set_recovery_threshold", recovery_threshold=2),
        (
            "Cannot set recovery threshold to 2: recovery threshold would be greater "
            "than the number of recovery members 1"
        ),
    ),
    (
        act("set_service_configuration", reconfiguration_type="OneTransaction"),
        "Cannot change reconfiguration type from undefined to OneTransaction.",
    ),
    (
        act(
            "set_jwt_issuer",
            issuer="https://i",
            auto_refresh=True,
            ca_cert_bundle_name="absent",
        ),
        "No CA cert bundle found with name 'absent'",
    ),
    (
        act("set_jwt_public_signing_keys", issuer="unknown", jwks={"keys": []}),
        "issuer unknown not found",
    ),
    (
        act("remove_snp_minimum_tcb_version", cpuid="00a00f11"),
        "CPUID 00a00f11 not found",
    ),
    (
        act("set_node_data", node_id=STRANGER, node_data=1),
        f"Node {STRANGER} does not exist",
    ),
    (
        act("transition_node_to_trusted", node_id=STRANGER, valid_from="now"),
        f"No such node: {STRANGER}",
    ),
    (
        act(
            "transition_node_to_trusted",
            node_id=PENDING,
            valid_from="now",
            validity_period_days=91,
        ),
        "Validity period 91 is not allowed: max allowed is 90",
    ),
    (
        act("set_node_certificate_validity", node_id=PENDING, valid_from="now"),
        f"Node {PENDING} is not trusted",
    ),
    (
        act(
            "set_service_certificate_validity",
            valid_from="now",
            validity_period_days=366,
        ),
        "Validity period 366 (days) is not allowed: service max allowed is 365 (days)",
    ),
]


@pytest.mark.parametrize(("action", "message"), REFUSED, ids=case_ids(REFUSED))
def test_a_wrong_argument_is_named(
    service: Service, action: JsonObject, message: str
) -> None:
    verdict = service.validate(action)
    assert verdict["valid"] is False
    assert message in str(verdict["description"])


@pytest.mark.parametrize(("action", "message"), FAILING, ids=case_ids(FAILING))
def test_what_the_service_cannot_do_fails_when_applied(
    service: Service, action: JsonObject, message: str
) -> None:
    assert service.validate(action)["valid"] is True
    with pytest.raises(JsException) as caught:
        service.apply(action)
    assert caught.value.reason == f"Error: {message}"
    assert "at apply (public:ccf.gov.constitution[0]:" in (caught.value.trace or "")
    assert not service.effects.asked
