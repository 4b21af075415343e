"""Members' policy: a script that says of each statement whether to register it.

``apply(phdr, uhdr, payload, details)`` returns ``true``, or a text that says why not.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from apps.scitt.did_attestedsvc import Attested
from apps.scitt.limits import POLICY_MS_MAX
from apps.scitt.problems import Problem
from apps.scitt.statement import AttestedService, ProtectedHeader, SignedStatement
from ccfpy.app import Certificate, Json, JsonObject, ScriptFailed, Scripting

# JSON carries no bytes: those of the header come as arguments of their own, each with
# the names under which it belongs into ``attestedsvc``.
_MAIN: Final = """
import { apply } from "/policy.js";

export function decide(phdr, uhdr, payload, details, places, ...bytes) {
  places.forEach((place, i) => {
    const names = place.split(".");
    const last = names.pop();
    let into = phdr.attestedsvc;
    for (const name of names) into = into[name];
    into[last] = bytes[i];
  });
  return apply(phdr, uhdr, payload, details);
}
"""


def check(
    scripts: Scripting,
    script: str,
    statement: SignedStatement,
    attested: Attested | None,
) -> None:
    """Ask the policy.

    Raises:
        Problem: 400, the policy refuses the statement, or fails.
    """
    header = statement.header
    loose = _bytes_of(header.attested)
    arguments: list[Json | bytes] = [
        describe(header),
        _described_chain(statement.unprotected_chain),
        statement.payload,
        {} if attested is None else attested.to_json(),
        list(loose),
        *loose.values(),
    ]
    try:
        verdict = scripts.call(
            {"/main.js": _MAIN, "/policy.js": script},
            "decide",
            arguments,
            execution_ms_max=POLICY_MS_MAX,
        )
    except ScriptFailed as failure:
        what = "Error while applying policy" if failure.has_begun else "Invalid policy"
        trace = "" if failure.trace is None else f"\n{failure.trace}"
        raise Problem(
            400, "PolicyError", f"{what}: {failure.reason}{trace}"
        ) from failure
    if isinstance(verdict, str):
        raise Problem(400, "PolicyFailed", f"Policy was not met: {verdict}")
    if verdict is not True:
        raise Problem(400, "PolicyError", "The policy returned neither true nor a text")


def describe(header: ProtectedHeader) -> JsonObject:
    """Describe a header as policies see it, but for its bytes."""
    claims, said = header.claims, header.attested
    kid = header.kid
    described: dict[str, Json] = {
        "alg": header.alg,
        "crit": None if header.crit is None else list(header.crit),
        "kid": None if kid is None else kid.decode(errors="replace"),
        "issuer": header.issuer,
        "feed": header.feed,
        "svn": header.svn,
        "cty": header.content_type,
    }
    key = said.cose_key
    return {
        **_present(described),
        **_described_chain(header.x5chain),
        "cwt": _present(
            {
                "iss": claims.iss,
                "sub": claims.sub,
                "iat": claims.iat,
                "svn": claims.svn,
            }
        ),
        "attestedsvc": _present(
            {
                "svc_id": said.svc_id,
                "attestation_type": said.attestation_type,
                "ver": said.ver,
                "cose_key": None
                if key is None
                else _present({"kty": key.kty, "crv": key.crv}),
                "cose_key_sha256": None if key is None else key.thumbprint.hex(),
            }
        ),
    }


def _bytes_of(said: AttestedService) -> Mapping[str, bytes]:
    """Return the bytes in a header, by where they belong."""
    key = said.cose_key
    found = {
        "attestation": said.attestation,
        "snp_endorsements": said.snp_endorsements,
        "uvm_endorsements": said.uvm_endorsements,
        "cose_key.n": None if key is None else key.n,
        "cose_key.x_e": None if key is None else key.x_e,
        "cose_key.y": None if key is None else key.y,
    }
    return {place: data for place, data in found.items() if data is not None}


def _present(fields: Mapping[str, Json]) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}


def _described_chain(chain: Sequence[bytes] | None) -> JsonObject:
    if chain is None:
        return {}
    return {"x5chain": [Certificate.from_der(der).pem for der in chain]}
