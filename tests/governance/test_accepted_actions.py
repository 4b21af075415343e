"""What each action of the default constitution writes and asks for."""

from collections.abc import Mapping

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import Service
from tests.governance.proposals import (
    CERT,
    CERT_ID,
    CONFIG,
    CONSTITUTION,
    DER_KEY,
    DROPPED,
    EC_KEY,
    ENDPOINT,
    KEYLESS,
    MEMBER,
    PENDING,
    POLICY,
    POLICY_DIGEST,
    RSA_KEY,
    STRANGER,
    TRUSTED,
    act,
    bundle,
    case_ids,
    dumps,
    node,
    populated,
)


@pytest.fixture
def service(engine: QuickJs) -> Service:
    return populated(engine)


def member_row(**parts: object) -> str:
    return dumps({**parts, "status": "Accepted"})


def allowed(table: str, key: str) -> JsonObject:
    return {f"nodes.{table}": {key: '"AllowedToJoin"'}, **DROPPED}


WRITES: list[tuple[JsonObject, Mapping[str, object]]] = [
    (
        act("set_constitution", constitution=CONSTITUTION),
        {"constitution": {"0": dumps(CONSTITUTION)}, **DROPPED},
    ),
    (
        act("set_member", cert=CERT, member_data={"z": 1, "a": 2}),
        {
            "members.certs": {CERT_ID: CERT},
            "members.encryption_public_keys": {CERT_ID: None},
            "members.info": {CERT_ID: member_row(member_data={"z": 1, "a": 2})},
            "members.acks": {CERT_ID: '{"state_digest":"r00t"}'},
        },
    ),
    (
        act("set_member", cert=CERT, encryption_pub_key="k", recovery_role="Owner"),
        {
            "members.certs": {CERT_ID: CERT},
            "members.encryption_public_keys": {CERT_ID: "k"},
            "members.info": {CERT_ID: member_row(recovery_role="Owner")},
            "members.acks": {CERT_ID: '{"state_digest":"r00t"}'},
        },
    ),
    (
        act("remove_member", member_id=KEYLESS),
        {
            f"members.{table}": {KEYLESS: None}
            for table in ("info", "encryption_public_keys", "certs", "acks")
        }
        | {"history": {KEYLESS: None}},
    ),
    (act("remove_member", member_id=STRANGER), {}),
    (
        act("set_member_data", member_id=MEMBER, member_data={"b": 2}),
        {"members.info": {MEMBER: '{"status":"Active","member_data":{"b":2}}'}},
    ),
    (
        act("set_user", cert=CERT, user_data={"u": 1}),
        {
            "users.certs": {CERT_ID: CERT},
            "users.info": {CERT_ID: '{"user_data":{"u":1}}'},
        },
    ),
    (
        act("set_user", cert=CERT),
        {"users.certs": {CERT_ID: CERT}, "users.info": {CERT_ID: None}},
    ),
    (
        act("remove_user", user_id=STRANGER),
        {"users.certs": {STRANGER: None}, "users.info": {STRANGER: None}},
    ),
    (
        act("set_user_data", user_id=STRANGER, user_data={"u": 1}),
        {"users.info": {STRANGER: '{"user_data":{"u":1}}'}},
    ),
    (
        act("set_user_data", user_id=STRANGER, user_data=None),
        {"users.info": {STRANGER: None}},
    ),
    (
        act("set_recovery_threshold", recovery_threshold=1),
        {"service.config": {"0": dumps(CONFIG)}},
    ),
    (
        act(
            "set_service_configuration",
            reconfiguration_type="TwoTransaction",
            recent_cose_proposals_window_size=7,
        ),
        {
            "service.config": {
                "0": dumps(
                    {
                        **CONFIG,
                        "reconfiguration_type": "TwoTransaction",
                        "recent_cose_proposals_window_size": 7,
                    }
                )
            }
        },
    ),
    (
        act("set_js_app", bundle=bundle(), disable_bytecode_cache=True),
        {
            "modules": {"/a.js": "export let f = () => 1"},
            "endpoints": {"GET /x": dumps({**ENDPOINT, "js_module": "/a.js"})},
            "interpreter.flush": {"0": "true"},
        },
    ),
    (act("remove_js_app"), {}),
    (
        act("set_python_runtime_options", max_execution_time_ms=3),
        {"python_runtime_options": {"0": dumps({"max_execution_time_ms": 3})}},
    ),
    (
        act(
            "set_js_runtime_options",
            max_heap_bytes=1,
            max_stack_bytes=2,
            max_execution_time_ms=3,
            return_exception_details=True,
        ),
        {
            "js_runtime_options": {
                "0": dumps(
                    {
                        "max_heap_bytes": 1,
                        "max_stack_bytes": 2,
                        "max_execution_time_ms": 3,
                        "return_exception_details": True,
                    }
                )
            }
        },
    ),
    (
        act("set_ca_cert_bundle", name="n", cert_bundle=CERT + CERT),
        {"tls.ca_cert_bundles": {"n": dumps(CERT + CERT)}},
    ),
    (
        act("remove_ca_cert_bundle", name="n"),
        {"tls.ca_cert_bundles": {"n": None}},
    ),
    (
        act("set_jwt_issuer", issuer="i", auto_refresh=False),
        {"jwt.issuers": {"i": '{"issuer":"i","auto_refresh":false}'}},
    ),
    (act("remove_jwt_issuer", issuer="unknown"), {}),
    (act("add_node_code", code_id="x"), allowed("code_ids", "x")),
    (act("remove_node_code", code_id="x"), {"nodes.code_ids": {"x": None}}),
    (
        act("add_virtual_measurement", measurement="x"),
        allowed("virtual.measurements", "x"),
    ),
    (
        act("remove_virtual_measurement", measurement="x"),
        {"nodes.virtual.measurements": {"x": None}},
    ),
    (
        act("add_virtual_host_data", host_data="x"),
        {"nodes.virtual.host_data": {"x": "\0" * 8}, **DROPPED},
    ),
    (
        act("remove_virtual_host_data", host_data="x"),
        {"nodes.virtual.host_data": {"x": None}},
    ),
    (act("add_snp_measurement", measurement="x"), allowed("snp.measurements", "x")),
    (
        act("remove_snp_measurement", measurement="x"),
        {"nodes.snp.measurements": {"x": None}},
    ),
    (
        act("add_snp_host_data", security_policy=POLICY, host_data=POLICY_DIGEST),
        {"nodes.snp.host_data": {POLICY_DIGEST: dumps(POLICY)}, **DROPPED},
    ),
    (
        act("add_snp_host_data", security_policy="", host_data="x"),
        {"nodes.snp.host_data": {"x": '""'}, **DROPPED},
    ),
    (
        act("remove_snp_host_data", host_data="x"),
        {"nodes.snp.host_data": {"x": None}},
    ),
    (
        act("add_snp_uvm_endorsement", did="d", feed="f", svn="1"),
        {"nodes.snp.uvm_endorsements": {"d": '{"f":{"svn":"1"}}'}, **DROPPED},
    ),
    (
        act("remove_snp_uvm_endorsement", did="d", feed="f"),
        {"nodes.snp.uvm_endorsements": {"d": None}},
    ),
    (
        act(
            "set_snp_minimum_tcb_version",
            cpuid="00a00f11",
            tcb_version={"boot_loader": 1, "tee": 2, "snp": 3, "microcode": 4},
        ),
        {
            "nodes.snp.tcb_versions": {
                "00a00f11": '{"boot_loader":1,"tee":2,"snp":3,"microcode":4}'
            },
            **DROPPED,
        },
    ),
    (
        act(
            "set_snp_minimum_tcb_version_hex",
            cpuid="00a00f11",
            tcb_version="0400000000030201",
        ),
        {
            "nodes.snp.tcb_versions": {
                "00a00f11": '{"boot_loader":1,"hexstring":"0400000000030201",'
                '"microcode":4,"snp":0,"tee":2}'
            },
            **DROPPED,
        },
    ),
    (
        act("set_node_data", node_id=TRUSTED, node_data=5),
        {"nodes.info": {TRUSTED: dumps({**node("Trusted"), "node_data": 5})}},
    ),
    (
        act("transition_node_to_trusted", node_id=PENDING, valid_from="now"),
        {
            "nodes.info": {
                PENDING: dumps({**node("Trusted"), "ledger_secret_seqno": 11})
            },
            "nodes.endorsed_certificates": {PENDING: "node csr now 90"},
        },
    ),
    (act("transition_node_to_trusted", node_id=TRUSTED, valid_from="now"), {}),
    (act("remove_node", node_id=PENDING), {"nodes.info": {PENDING: None}}),
    (
        act("remove_node", node_id=TRUSTED),
        {"nodes.info": {TRUSTED: dumps(node("Retired"))}},
    ),
    (act("remove_node", node_id=STRANGER), {}),
    (
        act(
            "set_node_certificate_validity",
            node_id=TRUSTED,
            valid_from="now",
            validity_period_days=3,
        ),
        {"nodes.endorsed_certificates": {TRUSTED: "node csr now 3"}},
    ),
    (
        act("set_all_nodes_certificate_validity", valid_from="now"),
        {"nodes.endorsed_certificates": {TRUSTED: "node csr now 90"}},
    ),
    (
        act("set_service_certificate_validity", valid_from="now"),
        {"service.info": {"0": '{"status":"Open","cert":"service now 365"}'}},
    ),
    (act("assert_service_identity", service_identity=CERT), {}),
]

EFFECTS: list[tuple[JsonObject, list[object]]] = [
    ({"name": "trigger_ledger_rekey"}, ["rekey"]),
    ({"name": "trigger_recovery_shares_refresh", "args": {}}, ["shares"]),
    ({"name": "trigger_ledger_chunk", "args": None}, ["chunk"]),
    (act("trigger_snapshot", ignored=1), ["snapshot"]),
    (
        act("transition_service_to_open", next_service_identity=CERT),
        [("open", None, CERT)],
    ),
    (
        act(
            "transition_service_to_open",
            previous_service_identity=CERT,
            next_service_identity=CERT,
        ),
        [("open", CERT, CERT)],
    ),
    (
        act("set_jwt_public_signing_keys", issuer="known", jwks={"keys": [EC_KEY]}),
        [("set keys", "known", {"issuer": "known"}, {"keys": [EC_KEY]})],
    ),
    (
        act(
            "set_jwt_issuer",
            issuer="https://i/",
            auto_refresh=True,
            ca_cert_bundle_name="ca",
            jwks={"keys": [RSA_KEY, DER_KEY]},
        ),
        [
            (
                "set keys",
                "https://i/",
                {
                    "issuer": "https://i/",
                    "auto_refresh": True,
                    "ca_cert_bundle_name": "ca",
                },
                {"keys": [RSA_KEY, DER_KEY]},
            )
        ],
    ),
    (act("remove_jwt_issuer", issuer="known"), [("remove keys", "known")]),
    (act("refresh_js_app_bytecode_cache"), []),
]


@pytest.mark.parametrize(("action", "writes"), WRITES, ids=case_ids(WRITES))
def test_an_action_writes_its_tables(
    service: Service, action: JsonObject, writes: Mapping[str, object]
) -> None:
    assert service.validate(action) == {"valid": True, "description": ""}
    assert service.apply(action) == writes
    assert not service.effects.asked


@pytest.mark.parametrize(("action", "effects"), EFFECTS, ids=case_ids(EFFECTS))
def test_an_action_asks_for_its_effects(
    service: Service, action: JsonObject, effects: list[object]
) -> None:
    assert service.validate(action) == {"valid": True, "description": ""}
    service.apply(action)
    assert service.effects.asked == effects
