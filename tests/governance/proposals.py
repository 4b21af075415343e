"""A populated service and the proposals that the tests make to it."""

import json
from collections.abc import Sequence
from hashlib import sha256

from ccfpy.base.json import Json, JsonObject
from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import GOV, UNIT, Service, constitution
from tests.unit.js.conftest import Authority

MEMBER, KEYLESS, GUEST = "a" * 64, "b" * 64, "c" * 64
PENDING, TRUSTED, STRANGER = "d" * 64, "e" * 64, "f" * 64
AUTHORITY = Authority.named("Service")
CERT = AUTHORITY.certificate.pem
CERT_ID = AUTHORITY.certificate.digest_hex
OPEN = {"state": "Open", "proposer_id": MEMBER, "ballots": {}}
CONFIG = {"recovery_threshold": 1, "maximum_node_certificate_validity_days": 90}
CONSTITUTION = (
    "export function validate(i) {} export function resolve(p, q, v) {} "
    "export function apply(p, i) {}"
)
RSA_KEY = {"kid": "k", "kty": "RSA", "n": "n", "e": "e"}
EC_KEY = {"kid": "k", "kty": "EC", "x": "x", "y": "y", "crv": "P-256"}
DER_KEY = {"kid": "k", "kty": "EC", "x5c": ["".join(CERT.splitlines()[1:-1])]}
ENDPOINT: JsonObject = {
    "js_module": "a.js",
    "js_function": "f",
    "mode": "readonly",
    "forwarding_required": "never",
    "authn_policies": ["no_auth", {"all_of": ["user_cert", "jwt"]}],
    "openapi": {},
}
POLICY = "package policy"
POLICY_DIGEST = sha256(POLICY.encode()).hexdigest()


def act(name: str, /, **args: object) -> JsonObject:
    return {"name": name, "args": args}  # type: ignore[dict-item]  # plain JSON


def bundle(**changes: Json) -> JsonObject:
    return {
        "modules": [{"name": "a.js", "module": "export let f = () => 1"}],
        "metadata": {"endpoints": {"/x": {"get": {**ENDPOINT, **changes}}}},
    }


def dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def node(status: str) -> JsonObject:
    return {"status": status, "certificate_signing_request": "csr"}


DROPPED: JsonObject = {"proposals_info": {"other": dumps({**OPEN, "state": "Dropped"})}}
"""What a change of the rules does to the other open proposal."""


def case_ids(cases: Sequence[tuple[JsonObject, object]]) -> list[str]:
    """Name tests after their actions and where these stand in the table."""
    return [f"{case[0]['name']}-{row}" for row, case in enumerate(cases)]


def populated(engine: QuickJs) -> Service:
    """An open service with members, nodes and an open proposal beside the current."""
    service = Service(engine, constitution("default"))
    info = f"{GOV}members.info"
    service.put(info, MEMBER, {"status": "Active", "member_data": {"a": 1}})
    service.put(info, KEYLESS, {"status": "Active"})
    service.put(info, GUEST, {"status": "Accepted"})
    service.put(f"{GOV}members.encryption_public_keys", MEMBER, "key")
    service.put(f"{GOV}members.encryption_public_keys", GUEST, "key")
    service.put(f"{GOV}nodes.info", PENDING, node("Pending"))
    service.put(f"{GOV}nodes.info", TRUSTED, node("Trusted"))
    service.put(f"{GOV}service.info", UNIT, {"status": "Open", "cert": CERT})
    service.put(f"{GOV}service.config", UNIT, CONFIG)
    service.put("public:ccf.internal.signatures", UNIT, {"root": "r00t"})
    service.put(f"{GOV}tls.ca_cert_bundles", "ca", CERT)
    service.put(f"{GOV}jwt.issuers", "known", {"issuer": "known"})
    service.put(f"{GOV}proposals_info", "other", OPEN)
    service.put(f"{GOV}proposals_info", "pid", OPEN)
    return service
