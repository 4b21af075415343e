"""Which statements are registered, by their signers and by members' policy."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import Json
from tests.apps.scitt_kit import (
    ALGORITHMS,
    Transparency,
    configuration,
    issuer,
    problem,
    sign1,
)

ATTESTED = Path(__file__).parents[1] / "vectors" / "scitt" / "attested.cose"


@cache
def opened() -> Transparency:
    return Transparency.open(configuration())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_statement_by_any_algorithm_is_registered(algorithm: str) -> None:
    assert opened().register(issuer(algorithm).sign()).status == 303


def _without(part: int) -> dict[Any, Any]:
    return {part: ...}


REFUSED: dict[str, dict[Any, Any]] = {
    "no algorithm": _without(1),
    "an unknown algorithm": {1: -999},
    "no claims": _without(15),
    "no issuer": {15: {2: "artifact"}},
    "another kind of issuer": {15: {1: "did:web:example.com"}},
    "no chain": _without(33),
    "a chain of nothing": {33: [b"certificate"]},
    "a critical header that is unknown": {2: [99]},
    "a critical header that is text": {2: ["attestedsvc"]},
    "an issuer of another chain": {15: {1: issuer().named("eku:1.2.3")}},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_issuer_did_not_sign_so_is_refused(name: str) -> None:
    service = opened()
    refused = service.register(service.issuer.sign(header=REFUSED[name]))
    assert problem(refused)[:2] == (400, "InvalidInput")


def test_what_is_critical_and_known_is_registered() -> None:
    service = opened()
    assert service.register(service.issuer.sign(header={2: [33, 15]})).status == 303


def test_a_changed_statement_is_refused() -> None:
    service = opened()
    statement = service.issuer.sign(b"an artifact")
    changed = statement.replace(b"an artifact", b"my artifact")
    assert problem(service.register(changed))[:2] == (400, "InvalidInput")
    other = issuer("ES384")
    lies = sign1(other.key, "ES384", service.issuer.protected, b"an artifact")
    assert problem(service.register(lies))[:2] == (400, "InvalidInput")


@pytest.mark.parametrize("payload", [None, b""])
def test_a_payload_that_is_not_there_is_refused(payload: bytes | None) -> None:
    service = opened()
    refused = service.register(service.issuer.sign(payload))
    assert problem(refused)[:2] == (400, "InvalidInput")


def test_the_size_of_a_statement_is_bounded() -> None:
    service = Transparency.open()
    statement = service.issuer.sign()
    service.configure(configuration(maxSignedStatementBytes=len(statement)))
    assert service.register(statement).status == 303
    service.configure(configuration(maxSignedStatementBytes=len(statement) - 1))
    assert problem(service.register(statement))[:2] == (400, "PayloadTooLarge")


def test_members_choose_the_algorithms() -> None:
    service = Transparency.open(
        configuration() | {"policy": {"acceptedAlgorithms": ["ES384"]}}
    )
    assert problem(service.register())[:2] == (400, "InvalidInput")
    answer = service.register(issuer("ES384").sign())
    assert problem(answer)[:2] == (400, "PolicyFailed"), "there is no script"


POLICIES: dict[str, tuple[str, str | None]] = {
    "true": ("export const apply = () => true;", None),
    "a text": ("export const apply = () => 'not today';", "PolicyFailed"),
    "false": ("export const apply = () => false;", "PolicyError"),
    "nothing": ("export const apply = () => {};", "PolicyError"),
    "a number": ("export const apply = () => 1;", "PolicyError"),
    "an error": (
        "export function apply() { throw new Error('Boom'); }",
        "PolicyError",
    ),
    "for ever": ("export function apply() { for (;;) {} }", "PolicyError"),
    "no export": ("function apply() {}", "PolicyError"),
    "no script": ("return true", "PolicyError"),
    "empty": ("", "PolicyError"),
    "no tables, and time that stands still": (
        """
        export function apply() {
          const began = Date.now();
          for (let i = 0; i < 100000; i++);
          return ccf.kv === undefined && began > 0 && Date.now() === began;
        }
        """,
        None,
    ),
    "what a statement says": (
        """
        export function apply(phdr, uhdr, payload, details) {
          const told = JSON.stringify([
            phdr.alg, phdr.cwt, phdr.cty, phdr.crit, phdr.kid, phdr.svn, phdr.feed,
            phdr.issuer, phdr.x5chain.length, phdr.x5chain[0].split("\\n")[0],
            phdr.attestedsvc, uhdr, ccf.bufToStr(payload), details,
          ]);
          return told;
        }
        """,
        "PolicyFailed",
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_the_policy_decides(name: str) -> None:
    service = opened_for_policies()
    script, expected = POLICIES[name]
    service.configure(configuration(script))
    answer = service.register()
    if expected is None:
        assert answer.status == 303
    else:
        assert problem(answer)[:2] == (400, expected)


@cache
def opened_for_policies() -> Transparency:
    return Transparency.open()


def test_the_policy_sees_all_of_the_statement() -> None:
    service = opened_for_policies()
    service.configure(configuration(POLICIES["what a statement says"][0]))
    header = {3: "text/plain", 2: [33], 4: b"kid", "svn": 7, 392: "f", 391: "i"}
    statement = service.issuer.sign(b"seen", header=header)

    _, _, told = problem(service.register(statement))

    issuer_ = service.issuer.did
    claims = f'{{"iat":1700000000,"iss":"{issuer_}","sub":"artifact","svn":1}}'
    assert told.removeprefix("Policy was not met: ") == (
        f'[-7,{claims},"text/plain",[33],"kid",7,"f","i",3,'
        '"-----BEGIN CERTIFICATE-----",{},{},"seen",{}]'
    )


# An attested service

SEES_EVIDENCE = """
export function apply(phdr, uhdr, payload, details) {
  const said = phdr.attestedsvc;
  const sizes = [
    said.attestation, said.snp_endorsements, said.uvm_endorsements,
    said.cose_key.x_e, said.cose_key.y ?? said.cose_key.n,
  ].map((each) => each.byteLength > 0);
  return JSON.stringify([
    sizes, said.svc_id !== undefined, said.cose_key.kty,
    details.report_data.startsWith(said.cose_key_sha256),
    details.measurement.length, details.host_data.length, details.product_name,
    details.uvm_endorsements.feed, details.reported_tcb.hexstring.length,
  ]);
}
"""


def test_an_attested_service_registers_by_its_evidence() -> None:
    service = opened_for_policies()
    service.configure(configuration(SEES_EVIDENCE))

    _, code, told = problem(service.register(ATTESTED.read_bytes()))

    assert code == "PolicyFailed"
    assert told.removeprefix("Policy was not met: ") == (
        "[[true,true,true,true,true],true,2,true,96,64,"
        '"Genoa","ContainerPlat-AMD-UVM",16]'
    )
    assert opened().register(ATTESTED.read_bytes()).status == 303


def test_an_attested_service_that_was_changed_is_refused() -> None:
    statement = bytearray(ATTESTED.read_bytes())
    statement[-1] ^= 1
    refused = opened().register(bytes(statement))
    assert problem(refused)[:2] == (400, "InvalidInput")


# Governance

GOOD: list[dict[str, Json]] = [
    {},
    {"policy": None, "authentication": None},
    {"policy": {"acceptedAlgorithms": ["ES256", "EdDSA"], "policyScript": ""}},
    {"authentication": {"allowUnauthenticated": False, "jwt": {}}},
    {"maxSignedStatementBytes": 0, "serviceIssuer": "ignored"},
]
BAD: dict[str, Json] = {
    "text": "configuration",
    "a list": [],
    "claims in a list": {"authentication": {"jwt": {"requiredClaims": []}}},
    "a policy in Rego": {"policy": {"policyRego": "package policy"}},
    "an unknown algorithm": {"policy": {"acceptedAlgorithms": ["RS256"]}},
    "algorithms that are none": {"policy": {"acceptedAlgorithms": "ES256"}},
    "a script that is none": {"policy": {"policyScript": 1}},
    "a policy that is none": {"policy": []},
    "callers that are none": {"authentication": "all"},
    "a flag that is none": {"authentication": {"allowUnauthenticated": "yes"}},
    "claims that are none": {"authentication": {"jwt": {"requiredClaims": 1}}},
    "a size that is none": {"maxSignedStatementBytes": 1.5},
    "a negative size": {"maxSignedStatementBytes": -1},
}


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_members_may_decide_so(number: int) -> None:
    service = opened_for_policies()
    service.configure(GOOD[number])
    assert service.get("/configuration").json() == GOOD[number]
    assert service.register().status in {400, 401}


@pytest.mark.parametrize("name", BAD)
def test_members_may_not_decide_otherwise(name: str) -> None:
    with pytest.raises(CcfpyError):
        opened_for_policies().configure(BAD[name])


def test_rego_is_refused_in_one_sentence() -> None:
    with pytest.raises(CcfpyError, match=r"policyRego is not supported: write the"):
        opened_for_policies().configure(BAD["a policy in Rego"])
