"""Join policy, token issuers and the JavaScript application are open to read."""

import json

from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.service.tables import ca_certs, join_policy, js, jwt
from ccfpy.service.tables.join_policy import CodeStatus, UvmEndorsementsData
from ccfpy.service.tables.js import EndpointKey
from ccfpy.service.tables.jwt import JwtIssuer, SigningKey
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.gov.conftest import Governed, body


def test_the_join_policy_tells_what_each_platform_trusts(governed: Governed) -> None:
    tx = governed.begin()
    allowed = CodeStatus.ALLOWED_TO_JOIN
    join_policy.SGX_MEASUREMENTS.of(tx).put("aa", allowed)
    join_policy.SNP_MEASUREMENTS.of(tx).put("bb", allowed)
    join_policy.SNP_HOST_DATA.of(tx).put("cc", "policy")
    feeds = {"feed": UvmEndorsementsData(svn="3")}
    join_policy.SNP_UVM_ENDORSEMENTS.of(tx).put("did:x509", feeds)
    join_policy.SNP_TCB_VERSIONS.of(tx).put("00a00f11", {"snp": 1})
    governed.store.commit(tx)
    assert body(governed.get("/service/join-policy")) == {
        "sgx": {"measurements": ["aa"]},
        "virtual": {"measurements": ["measurement"], "hostData": ["00" * 32]},
        "snp": {
            "measurements": ["bb"],
            "hostData": {"cc": "policy"},
            "uvmEndorsements": {"did:x509": {"feed": {"svn": "3"}}},
            "tcbVersions": {"00a00f11": {"snp": 1}},
        },
    }


def test_issuers_and_their_keys_are_told(governed: Governed) -> None:
    key = KeyPair.generate(SeededEntropy(b"issuer"), Curve.SECP256R1).public_key
    tx = governed.begin()
    issuers = jwt.ISSUERS.of(tx)
    issuers.put("a", JwtIssuer(auto_refresh=True, ca_cert_bundle_name="bundle"))
    issuers.put("b", JwtIssuer())
    shared = (
        SigningKey(public_key=key.der, issuer="a"),
        SigningKey(public_key=key.der, issuer="b", constraint="c"),
    )
    jwt.SIGNING_KEYS.of(tx).put("kid", shared)
    ca_certs.CA_CERT_BUNDLES.of(tx).put("bundle", "PEM")
    governed.store.commit(tx)
    assert body(governed.get("/service/jwk")) == {
        "issuers": {
            "a": {"autoRefresh": True, "caCertBundleName": "bundle"},
            "b": {"autoRefresh": False},
        },
        "keys": {
            "kid": [
                {"publicKey": key.pem, "issuer": "a", "constraint": None},
                {"publicKey": key.pem, "issuer": "b", "constraint": "c"},
            ]
        },
        "caCertBundles": {"bundle": "PEM"},
    }


STORED = {
    "js_module": "/a.js",
    "js_function": "f",
    "forwarding_required": "never",
    "authn_policies": ["no_auth"],
    "interpreter_reuse": {"key": "k"},
}


def install(governed: Governed) -> None:
    tx = governed.begin()
    js.MODULES.of(tx).put("/a.js", "export function f() {}")
    raw = js.ENDPOINTS.of(tx).raw
    key = js.ENDPOINTS.key_codec.encode(EndpointKey("GET", "/a/{b}"))
    raw.put(key, json.dumps(STORED).encode())
    governed.store.commit(tx)


def test_the_application_is_described_in_either_case(governed: Governed) -> None:
    install(governed)
    assert body(governed.get("/service/javascript-app")) == {
        "endpoints": {
            "/a/{b}": {
                "GET": {
                    "jsModule": "/a.js",
                    "jsFunction": "f",
                    "forwardingRequired": "never",
                    "redirectionStrategy": "to_primary",
                    "authnPolicies": ["no_auth"],
                    "mode": "readwrite",
                    "openApi": None,
                }
            }
        }
    }
    original = governed.get(
        "/service/javascript-app", "api-version=2024-07-01&case=original"
    )
    assert body(original) == {"endpoints": {"/a/{b}": {"GET": STORED}}}


def test_no_other_case_is_known(governed: Governed) -> None:
    reply = governed.get("/service/javascript-app", "api-version=2024-07-01&case=x")
    assert reply.status == 400
    assert json.loads(reply.body)["error"] == {
        "code": "InvalidQueryParameterValue",
        "message": "Accepted values for the 'case' query parameter are: original",
    }


def test_modules_are_listed_and_read_by_escaped_name(governed: Governed) -> None:
    install(governed)
    listed = body(governed.get("/service/javascript-modules"))
    assert listed == {"value": [{"moduleName": "/a.js"}]}
    reply = governed.get("/service/javascript-modules/%2Fa.js")
    assert reply.headers["content-type"] == "text/javascript"
    assert reply.body == b"export function f() {}"
    missing = governed.get("/service/javascript-modules/%2Fb.js")
    assert missing.status == 404
    message = json.loads(missing.body)["error"]["message"]
    assert message == "Module /b.js does not exist."
