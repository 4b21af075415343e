"""What the service trusts and runs: join policy, JWT issuers, the JavaScript app."""

import base64
from textwrap import wrap
from typing import TYPE_CHECKING

from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import json_reply, text_reply
from ccfpy.gov.definitions import (
    JoinPoliciesBody,
    JsAppBody,
    JsModulesPage,
    JwkInfoBody,
    ModuleSource,
)
from ccfpy.gov.operations import Operations
from ccfpy.gov.simulated import simulated_policy
from ccfpy.gov.versions import ApiVersion
from ccfpy.http.errors import ApiError, ErrorCode, not_found
from ccfpy.service.tables import join_policy, js, jwt
from ccfpy.service.tables.ca_certs import CA_CERT_BUNDLES
from ccfpy.service.tables.js import EndpointProperties
from ccfpy.service.tables.jwt import SigningKey

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.kv.maps import Map
    from ccfpy.kv.tx import Tx
    from ccfpy.service.tables.join_policy import CodeStatus

OPERATIONS: Operations = Operations()

_PEM_COLUMNS = 64


@OPERATIONS.read(
    "/service/join-policy", "ServiceState_GetJoinPolicies", JoinPoliciesBody
)
def read_join_policy(context: Context) -> "Response":
    """Return which code may join, by platform."""
    tx = context.tx
    endorsements: dict[str, Json] = {
        did: {feed: {"svn": endorsed.svn} for feed, endorsed in feeds.items()}
        for did, feeds in join_policy.SNP_UVM_ENDORSEMENTS.of(tx).items()
    }
    return json_reply(
        simulated_policy(tx)
        | {
            "sgx": {"measurements": _allowed(tx, join_policy.SGX_MEASUREMENTS)},
            "virtual": {
                "measurements": _allowed(tx, join_policy.VIRTUAL_MEASUREMENTS),
                "hostData": list(join_policy.VIRTUAL_HOST_DATA.of(tx).keys()),
            },
            "snp": {
                "measurements": _allowed(tx, join_policy.SNP_MEASUREMENTS),
                "hostData": dict(join_policy.SNP_HOST_DATA.of(tx).items()),
                "uvmEndorsements": endorsements,
                "tcbVersions": dict(join_policy.SNP_TCB_VERSIONS.of(tx).items()),
            },
        }
    )


def _allowed(tx: "Tx", measurements: "Map[str, CodeStatus]") -> list[str]:
    return list(measurements.of(tx).keys())


@OPERATIONS.read("/service/jwk", "ServiceState_GetJwkInfo", JwkInfoBody)
def read_jwk(context: Context) -> "Response":
    """Return whose tokens the application accepts, and by which keys."""
    tx = context.tx
    issuers: dict[str, Json] = {}
    for name, issuer in jwt.ISSUERS.of(tx).items():
        described: dict[str, Json] = {"autoRefresh": issuer.auto_refresh}
        if issuer.ca_cert_bundle_name is not None:
            described["caCertBundleName"] = issuer.ca_cert_bundle_name
        issuers[name] = described
    keys = {
        key_id: [_signing_key(key) for key in shared]
        for key_id, shared in jwt.SIGNING_KEYS.of(tx).items()
    }
    bundles = dict(CA_CERT_BUNDLES.of(tx).items())
    return json_reply({"issuers": issuers, "keys": keys, "caCertBundles": bundles})


def _signing_key(key: SigningKey) -> Json:
    return {
        "publicKey": _pem(key.public_key),
        "issuer": key.issuer,
        "constraint": key.constraint,
    }


def _pem(public_key: bytes) -> str:
    """Return a DER public key of any kind as PEM."""
    lines = wrap(base64.b64encode(public_key).decode(), _PEM_COLUMNS)
    begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    return "\n".join([begin, *lines, end, ""])


@OPERATIONS.read(
    "/service/javascript-app", "ServiceState_GetJsApp", JsAppBody, since=ApiVersion.V1
)
def read_javascript_app(context: Context) -> "Response":
    """Describe the JavaScript application's endpoints.

    With ``?case=original`` the response holds the records as they are stored.
    """
    case = context.query.get("case")
    if case not in (None, "original"):
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            "Accepted values for the 'case' query parameter are: original",
        )
    handle = js.ENDPOINTS.of(context.tx)
    endpoints: dict[str, dict[str, Json]] = {}
    if case == "original":
        for raw_key, value in handle.raw.items():
            key = js.ENDPOINTS.key_codec.decode(raw_key)
            endpoints.setdefault(key.path, {})[key.verb] = json.loads(value)
    else:
        for key, properties in handle.items():
            endpoints.setdefault(key.path, {})[key.verb] = _endpoint(properties)
    return json_reply({"endpoints": endpoints})


def _endpoint(properties: EndpointProperties) -> Json:
    return {
        "jsModule": properties.js_module,
        "jsFunction": properties.js_function,
        "forwardingRequired": properties.forwarding_required,
        "redirectionStrategy": properties.redirection_strategy,
        "authnPolicies": list(properties.authn_policies),
        "mode": properties.mode,
        "openApi": properties.openapi,
    }


@OPERATIONS.read(
    "/service/javascript-modules",
    "ServiceState_ListJsModules",
    JsModulesPage,
    since=ApiVersion.V1,
)
def list_modules(context: Context) -> "Response":
    """Return the names of the JavaScript application's modules."""
    names = js.MODULES.of(context.tx).keys()
    return json_reply({"value": [{"moduleName": name} for name in names]})


@OPERATIONS.read(
    "/service/javascript-modules/{moduleName}",
    "ServiceState_GetJsModule",
    ModuleSource,
    since=ApiVersion.V1,
    is_javascript=True,
)
def read_module(context: Context) -> "Response":
    """Return a module's source."""
    name = context.params["moduleName"]
    source = js.MODULES.of(context.tx).get(name)
    if source is None:
        raise not_found(f"Module {name} does not exist.")
    return text_reply(source, content_type="text/javascript")
