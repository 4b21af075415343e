"""The functions on ``ccf`` itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.js.engine import JsException
from ccfpy.js.extensions.converters import (
    Converters,
    _bytes_to_text,
    _text_to_bytes,
)
from tests.unit.js.conftest import Authority, Evaluate


@given(st.text())
def test_text_survives_its_bytes(text: str) -> None:
    assert _bytes_to_text(_text_to_bytes(text)) == text


@given(st.text(alphabet=st.characters(categories=["Cs", "Lu"])))
def test_half_surrogate_pairs_have_bytes(text: str) -> None:
    assert _text_to_bytes(text).decode(errors="surrogatepass") == text


@given(st.binary())
def test_any_bytes_have_text(data: bytes) -> None:
    _bytes_to_text(data).encode()


def test_text_and_json_go_to_bytes_and_back(evaluate: Evaluate) -> None:
    body = """
        const value = {b: [1, null], a: "é\\ud83d\\ude00"};
        const buf = ccf.jsonCompatibleToBuf(value);
        return [ccf.bufToStr(buf), ccf.bufToJsonCompatible(buf),
                ccf.strToBuf("é").byteLength, ccf.strToBuf("\\ud800").byteLength,
                ccf.bufToStr(args[0]), buf instanceof ArrayBuffer];
    """
    assert evaluate(body, [Converters()], b"\xff") == [
        '{"b":[1,null],"a":"é😀"}',
        {"b": [1, None], "a": "é😀"},
        2,
        3,
        "\ufffd",
        True,
    ]


def test_json_keeps_the_writers_key_order(evaluate: Evaluate) -> None:
    body = "return ccf.bufToStr(ccf.jsonCompatibleToBuf({z: 1, a: undefined, b: 2}))"
    assert evaluate(body, [Converters()]) == '{"z":1,"b":2}'


def test_a_certificate_has_the_id_of_its_bytes(
    evaluate: Evaluate, authority: Authority
) -> None:
    certificate = authority.certificate
    result = evaluate("return ccf.pemToId(args[0])", [Converters()], certificate.pem)
    assert result == certificate.digest_hex


def test_a_tcb_version_becomes_a_policy(evaluate: Evaluate) -> None:
    body = "return ccf.tcbHexToPolicy('00a00f11', 'd315000000000004').microcode"
    assert evaluate(body, [Converters()]) == 0xD3


def test_metrics_logging_tells_what_it_was(evaluate: Evaluate) -> None:
    converters = Converters()
    body = "return [ccf.enableMetricsLogging(false), ccf.enableMetricsLogging(false)]"
    assert evaluate(body, [converters]) == [True, False]
    assert converters.logs_execution_metrics is False


def test_time_runs_as_long_as_it_is_enabled(evaluate: Evaluate) -> None:
    converters = Converters()
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
        evaluate(f"ccf.{call}", [Converters()])
    assert caught.value.reason.startswith(reason)
