"""Scripts run under limits, see what governance may see, and ask only when applied."""

import pytest

from ccfpy.gov.evaluation import EvaluationFailed, Evaluator
from ccfpy.js.engine import JsLimits, JsModuleFailed, Program
from ccfpy.js.quickjs import QuickJs
from ccfpy.service.tables.js import RUNTIME_OPTIONS, JsRuntimeOptions
from tests.unit.gov.conftest import Clock, Governed

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
