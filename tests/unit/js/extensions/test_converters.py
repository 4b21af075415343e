"""The functions on ``ccf`` itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.js.engine import JsException, JsLimits, Program
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.quickjs import QuickJs
from tests.unit.js.conftest import Authority, CountingClock, Evaluate

ENGINE = QuickJs(CountingClock())
CONVERT = Program(
    name="m",
    source="""
        export const there = (text) => [...new Uint8Array(ccf.strToBuf(text))];
        export const back = (bytes) => ccf.bufToStr(bytes);
    """,
)


def _convert(function: str, argument: str | bytes) -> object:
    text = ENGINE.call_export(
        CONVERT,
        function,
        [argument],
        extensions=[ConvertersExtension()],
        limits=JsLimits(),
    )
    assert text is not None
    return json.loads(text)


@given(st.text())
def test_text_goes_to_its_utf8_and_back(text: str) -> None:
    data = text.encode()
    assert _convert("there", text) == list(data)
    assert _convert("back", data) == text


@given(st.text(alphabet=st.characters(categories=["Cs", "Lu"])))
def test_half_surrogate_pairs_have_bytes(text: str) -> None:
    whole = text.encode("utf-16", errors="surrogatepass").decode(
        "utf-16", errors="surrogatepass"
    )
    data = whole.encode(errors="surrogatepass")
    assert _convert("there", text) == list(data)


@given(st.binary())
def test_any_bytes_have_text(data: bytes) -> None:
    text = _convert("back", data)
    assert isinstance(text, str)
    assert text.isascii() or len(text) <= len(data)


def test_text_and_json_go_to_bytes_and_back(evaluate: Evaluate) -> None:
    body = """
        const value = {b: [1, null], a: "é\\ud83d\\ude00"};
        const buf = ccf.jsonCompatibleToBuf(value);
        return [ccf.bufToStr(buf), ccf.bufToJsonCompatible(buf),
                ccf.strToBuf("é").byteLength, ccf.strToBuf("\\ud800").byteLength,
                ccf.bufToStr(args[0]), buf instanceof ArrayBuffer];
    """
    assert evaluate(body, [ConvertersExtension()], b"\xff") == [
        '{"b":[1,null],"a":"é😀"}',
        {"b": [1, None], "a": "é😀"},
        2,
        3,
        "\ufffd",
        True,
    ]


def test_json_keeps_the_writers_key_order(evaluate: Evaluate) -> None:
    body = "return ccf.bufToStr(ccf.jsonCompatibleToBuf({z: 1, a: undefined, b: 2}))"
    assert evaluate(body, [ConvertersExtension()]) == '{"z":1,"b":2}'


def test_a_certificate_has_the_id_of_its_bytes(
    evaluate: Evaluate, authority: Authority
) -> None:
    certificate = authority.certificate
    result = evaluate(
        "return ccf.pemToId(args[0])", [ConvertersExtension()], certificate.pem
    )
    assert result == certificate.digest_hex


def test_a_tcb_version_becomes_a_policy(evaluate: Evaluate) -> None:
    body = "return ccf.tcbHexToPolicy('00a00f11', 'd315000000000004').microcode"
    assert evaluate(body, [ConvertersExtension()]) == 0xD3


def test_metrics_logging_tells_what_it_was(evaluate: Evaluate) -> None:
    converters = ConvertersExtension()
    body = "return [ccf.enableMetricsLogging(false), ccf.enableMetricsLogging(false)]"
    assert evaluate(body, [converters]) == [True, False]
    assert converters.logs_execution_metrics is False


def test_time_runs_as_long_as_it_is_enabled(evaluate: Evaluate) -> None:
    converters = ConvertersExtension()
    assert evaluate("return ccf.enableUntrustedDateTime(1)", [converters]) is True
    assert converters.lets_time_run is True
    assert evaluate("return ccf.enableUntrustedDateTime(0)", [converters]) is False
    assert converters.lets_time_run is False


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("strToBuf()", "TypeError: Passed 0 arguments, but expected 1"),
        ("strToBuf(1)", "TypeError: Argument must be a string"),
        ("bufToStr('x')", "TypeError: Argument must be an ArrayBuffer"),
        ("jsonCompatibleToBuf(undefined)", "TypeError: Argument must be a string"),
        ("bufToJsonCompatible({})", "TypeError: Argument must be an ArrayBuffer"),
        ("bufToJsonCompatible(ccf.strToBuf('{'))", "SyntaxError: "),
        ("enableMetricsLogging(1)", "TypeError: First argument must be a boolean"),
        ("pemToId('x')", "InternalError: Failed to parse PEM: "),
        ("pemToId('\\ud800')", "InternalError: Failed to parse PEM: "),
        ("tcbHexToPolicy('00', '00')", "InternalError: CPUID has 1 bytes"),
        ("tcbHexToPolicy('00')", "TypeError: Passed 1 arguments, but expected 2"),
    ],
)
def test_wrong_arguments_throw(evaluate: Evaluate, call: str, reason: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.{call}", [ConvertersExtension()])
    assert caught.value.reason.startswith(reason)
