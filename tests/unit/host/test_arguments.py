"""The command line."""

from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.boundary.effects import LogLevel
from ccfpy.host.arguments import (
    Arguments,
    EnclaveKind,
    WordsRequested,
    parse_arguments,
)
from ccfpy.host.connecting import Address
from ccfpy.host.metrics_server import MetricsAddress


def _parse(line: str) -> Arguments:
    return parse_arguments(line.split(), program="node")


def test_the_defaults() -> None:
    assert _parse("-c x.json") == Arguments(
        config=Path("x.json"),
        config_timeout_us=0,
        check_only=False,
        log_level=LogLevel.INFO,
        enclave=EnclaveKind.PROCESS,
        sync_ledger=False,
        is_pre_vote_default=True,
    )


def test_every_option_in_both_forms() -> None:
    expected = Arguments(
        config=Path("x.json"),
        config_timeout_us=5_000_000,
        check_only=True,
        log_level=LogLevel.FAIL,
        enclave=EnclaveKind.IN_PROCESS,
        sync_ledger=True,
        is_pre_vote_default=False,
    )
    assert expected == _parse(
        "--config x.json --config-timeout 5s --check --log-level FAIL "
        "--enclave in-process --sync-ledger --pre-vote off"
    )
    assert expected == _parse(
        "--config=x.json --config-timeout=5s --check --log-level=fail "
        "--enclave=in-process --sync-ledger --pre-vote=off"
    )


def test_traces_are_sent_where_the_option_says() -> None:
    assert _parse("-c x").traces is None
    given = "-c x --traces http://127.0.0.1:4318"
    assert _parse(given).traces == "http://127.0.0.1:4318/v1/traces"
    with pytest.raises(ConfigurationRefused, match="no URL of a collector"):
        _parse("-c x --traces nowhere")


def test_metrics_are_served_where_the_option_says() -> None:
    assert _parse("-c x --metrics 127.0.0.1:1").metrics == MetricsAddress(
        tcp=Address("127.0.0.1", 1)
    )
    assert _parse("-c x --metrics unix:m").metrics == MetricsAddress(path=Path("m"))
    far = "-c x --metrics 0.0.0.0:1"
    assert _parse(f"{far} --metrics-anywhere").metrics is not None
    with pytest.raises(ConfigurationRefused, match="other machines"):
        _parse(far)


def test_help_and_version_need_nothing_else() -> None:
    with pytest.raises(WordsRequested, match="CCF host: "):
        _parse("--version")
    with pytest.raises(WordsRequested, match="--config-timeout"):
        _parse("-h")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "--config is required; run with --help"),
        ("-c", "expected one argument"),
        ("-c x y", "unrecognized arguments: y"),
        ("--conf x", "unrecognized arguments: --conf x"),
        ("-c x --log-level loud", "'loud' is not one of trace, debug, info"),
        ("-c x --enclave sgx", "'sgx' is not one of process, in-process"),
        ("-c x --config-timeout 5x", "not a time: '5x'"),
        ("-c x --check=1", "ignored explicit argument"),
    ],
)
def test_a_wrong_line_says_why_without_leaving(
    line: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationRefused, match=reason):
        _parse(line)
    assert capfd.readouterr() == ("", "")
