"""Scripts run under limits, see what governance may see, and change what they may."""

import json

import pytest

from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.gov.evaluation import EvaluationFailed, Evaluator
from ccfpy.http.messages import Response
from ccfpy.js.engine import JsLimits, JsModuleFailed, Program
from ccfpy.js.quickjs import QuickJs
from ccfpy.service.tables import jwt, recovery, service
from ccfpy.service.tables.js import RUNTIME_OPTIONS, JsRuntimeOptions
from tests.unit.gov.conftest import Clock, Governed, body

MIB = 1024 * 1024
NOW_US = 1_700_000_000_123_456


def script(body: str) -> Program:
    return Program(name="script", source=f"export function f(a) {{ {body} }}")


@pytest.fixture
def evaluator(governed: Governed) -> Evaluator:
    return Evaluator.of(governed.node, governed.begin(), NOW_US)


def test_a_result_is_json_text(evaluator: Evaluator) -> None:
    assert evaluator.evaluate(script("return { got: a }"), "f", ["x"]) == '{"got":"x"}'
    assert evaluator.evaluate(script(""), "f", []) is None


def test_an_exception_tells_reason_and_trace(evaluator: Evaluator) -> None:
    with pytest.raises(EvaluationFailed) as failed:
        evaluator.evaluate(script("throw new RangeError('far')"), "f", [])
    failure = failed.value.failure
    assert failure.reason == "RangeError: far"
    assert failure.trace is not None
    assert "at f (script:1" in failure.trace


def test_a_script_that_does_not_end_is_stopped_in_ccfs_words(
    governed: Governed,
) -> None:
    governed.node.engine = QuickJs(Clock(step_ns=1_000_000_000))
    evaluator = Evaluator.of(governed.node, governed.begin(), NOW_US)
    with pytest.raises(EvaluationFailed) as failed:
        evaluator.evaluate(script("for (;;) ;"), "f", [])
    assert failed.value.failure.reason == "Operation took too long to complete."
    assert governed.node.lines[-1] == (
        "fail",
        "Stopped, as it may take 5000 ms: f of script",
    )


def test_other_limits_are_told_as_they_are(evaluator: Evaluator) -> None:
    with pytest.raises(EvaluationFailed, match="stack overflow"):
        evaluator.evaluate(script("(function g() { return g() + 1 })()"), "f", [])


def test_a_script_without_the_function_is_not_evaluated(evaluator: Evaluator) -> None:
    with pytest.raises(JsModuleFailed):
        evaluator.evaluate(script(""), "vote", [])


def test_configured_limits_only_raise_the_defaults(governed: Governed) -> None:
    tx = governed.begin()
    options = JsRuntimeOptions(max_heap_bytes=200 * MIB, max_execution_time_ms=1)
    RUNTIME_OPTIONS.of(tx).put(options)
    limits = Evaluator.of(governed.node, tx, NOW_US).limits
    assert limits.heap_bytes_max == 200 * MIB
    assert limits.execution_ms_max == 5000
    assert limits.stack_bytes_max == MIB


@pytest.mark.parametrize("heap", ["-1", "1e300", "1.5", "null", '"much"'])
def test_options_that_cannot_be_read_do_not_lock_governance_up(
    governed: Governed, heap: str
) -> None:
    """A proposal may have written anything, and another must be able to mend it."""
    tx = governed.begin()
    tx.raw(RUNTIME_OPTIONS.name).put(bytes(8), b'{"max_heap_bytes":%b}' % heap.encode())
    evaluator = Evaluator.of(governed.node, tx, NOW_US)
    assert evaluator.limits == JsLimits()
    assert evaluator.evaluate(script("return 1"), "f", []) == "1"


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("return Date.now()", "1700000000123"),
        ("return Math.random() < 1", "true"),
        ("return typeof ccf.gov.validateConstitution", '"function"'),
        ("return typeof ccf.crypto.digest", '"function"'),
        ("return [typeof ccf.node, typeof ccf.network]", '["undefined","undefined"]'),
        ("return typeof ccf.refreshAppBytecodeCache", '"undefined"'),
        ("return ccf.kv['public:ccf.gov.members.info'].size", "3"),
    ],
)
def test_a_script_sees_what_governance_may_see(
    evaluator: Evaluator, source: str, result: str
) -> None:
    assert evaluator.evaluate(script(source), "f", []) == result


@pytest.mark.parametrize(
    "source",
    [
        "ccf.kv['secret'].get(ccf.strToBuf('a'))",
        "ccf.kv['public:app'].get(ccf.strToBuf('a'))",
        "ccf.kv['public:ccf.gov.x'].set(ccf.strToBuf('a'), ccf.strToBuf('b'))",
        "ccf.kv['public:ccf.internal.x'].set(ccf.strToBuf('a'), ccf.strToBuf('b'))",
    ],
)
def test_a_script_that_reads_too_much_or_writes_fails(
    evaluator: Evaluator, source: str
) -> None:
    with pytest.raises(EvaluationFailed, match="in current"):
        evaluator.evaluate(script(source), "f", [])


def test_apply_writes_governance_and_seeds_public_application_maps(
    evaluator: Evaluator,
) -> None:
    source = (
        "for (const name of ['public:ccf.gov.x', 'public:app']) "
        "ccf.kv[name].set(ccf.strToBuf('a'), ccf.strToBuf('b'))"
    )
    evaluator.apply(script(source), "f", [])
    assert evaluator.tx.raw("public:app").get(b"a") == b"b"
    with pytest.raises(EvaluationFailed, match="write-only"):
        evaluator.apply(script("ccf.kv['public:app'].size"), "f", [])


def test_what_scripts_print_is_logged(governed: Governed) -> None:
    evaluator = Evaluator.of(governed.node, governed.begin(), NOW_US)
    evaluator.evaluate(script("console.log('hello', 1)"), "f", [])
    assert governed.node.lines == [("info", "hello 1")]


def governed_by_effect(governed: Governed, effect: str) -> Response:
    """Accept a proposal at once whose effect is this."""
    governed.govern_by(
        "export function validate() { return { valid: true } }"
        "export function resolve() { return 'Accepted' }"
        "const name = 'public:ccf.gov.seen';"
        "const see = (value) => ccf.kv[name].set(ccf.strToBuf('seen'), "
        "ccf.jsonCompatibleToBuf(value));"
        f"export function apply() {{ {effect} }}"
    )
    return governed.propose()


def seen(governed: Governed) -> object:
    value = governed.begin().raw("public:ccf.gov.seen").get(b"seen")
    return None if value is None else json.loads(value)


@pytest.mark.parametrize(
    ("effect", "asked"),
    [
        ("ccf.node.triggerLedgerChunk()", "chunk"),
        ("ccf.node.triggerSnapshot()", "snapshot"),
        ("ccf.node.triggerRecoverySharesRefresh()", "refresh"),
    ],
)
def test_the_node_is_asked(governed: Governed, effect: str, asked: str) -> None:
    assert governed_by_effect(governed, effect).status == 200
    assert governed.node.asked == [asked]


def test_writes_of_effects_are_the_proposals_own(opened: Governed) -> None:
    governed_by_effect(opened, "ccf.node.triggerLedgerRekey()")
    assert opened.node.asked == ["rekey"]
    assert recovery.ENCRYPTED_LEDGER_SECRETS.of(opened.begin()).has()


def test_a_service_that_is_not_open_keeps_its_ledger_secret(
    governed: Governed,
) -> None:
    reply = governed_by_effect(governed, "ccf.node.triggerLedgerRekey()")
    message = json.loads(reply.body)["error"]["message"]
    assert message.startswith(
        "Failed to apply(): InternalError: Failed to rekey ledger: Cannot rekey ledger "
        "while the service is not open"
    )


def test_a_certificate_is_endorsed_and_renewed(governed: Governed) -> None:
    effect = (
        "see([ccf.network.getLatestLedgerSecretSeqno(), "
        "ccf.network.generateEndorsedCertificate('CSR', '240101000000Z', 7), "
        "ccf.network.generateNetworkCertificate('240101000000Z', 8)])"
    )
    assert governed_by_effect(governed, effect).status == 200
    assert seen(governed) == [1, "CERTIFICATE FOR CSR", "RENEWED"]
    assert governed.node.asked == [
        ("CSR", "240101000000Z", 7),
        ("renew", "240101000000Z", 8),
    ]


def test_a_refusal_fails_the_proposal_with_its_reason(governed: Governed) -> None:
    effect = (
        "ccf.node.transitionServiceToOpen(undefined, ccf.strToBuf('another service'))"
    )
    reply = governed_by_effect(governed, effect)
    assert reply.status == 500
    message = json.loads(reply.body)["error"]["message"]
    assert message.startswith(
        "Failed to apply(): InternalError: Unable to open service: Service identity "
        "mismatch"
    )


def test_the_service_opens(governed: Governed) -> None:
    pem = json.dumps(governed.node.service_certificate)
    effect = f"ccf.node.transitionServiceToOpen(undefined, ccf.strToBuf({pem}))"
    assert body(governed_by_effect(governed, effect))["proposalState"] == "Accepted"
    info = service.INFO.of(governed.begin()).get()
    assert info is not None
    assert info.status is ServiceStatus.OPEN


JWKS = {
    "keys": [
        {
            "kty": "EC",
            "kid": "k",
            "crv": "P-256",
            # the generator of the curve, which is a point on it
            "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
            "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        }
    ]
}


def test_keys_of_an_issuer_are_set_and_removed(governed: Governed) -> None:
    effect = f"ccf.setJwtPublicSigningKeys('https://i', {{}}, {json.dumps(JWKS)})"
    assert governed_by_effect(governed, effect).status == 200
    assert list(jwt.SIGNING_KEYS.of(governed.begin()).keys()) == ["k"]
    removed = governed_by_effect(
        governed, "ccf.removeJwtPublicSigningKeys('https://i')"
    )
    assert removed.status == 200
    assert not list(jwt.SIGNING_KEYS.of(governed.begin()).keys())


def test_why_keys_are_refused_is_only_logged(governed: Governed) -> None:
    effect = "ccf.setJwtPublicSigningKeys('https://i', {}, {keys: []})"
    reply = governed_by_effect(governed, effect)
    message = json.loads(reply.body)["error"]["message"]
    assert "set_jwt_public_signing_keys() failed" in message
    assert ("fail", "<js>: JWKS has no keys") in governed.node.lines


def test_what_is_no_key_set_is_told(governed: Governed) -> None:
    effect = "ccf.setJwtPublicSigningKeys('https://i', {}, {})"
    message = json.loads(governed_by_effect(governed, effect).body)["error"]["message"]
    assert "Error setting JWT public signing keys: " in message
