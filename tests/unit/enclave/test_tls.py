"""Which engine TLS runs on, by the environment."""

import ssl

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.enclave.tls import VARIABLE, chosen_engine, describe_engine
from ccfpy.host.enclave_process import TLS_VARIABLE, enclave_environment
from ccfpy.http import stdlib_tls
from ccfpy.http.tls import engine_to_use
from ccfpy.http.tls_engine import TlsEngine


def test_without_a_word_it_is_the_faster_one_that_can_run() -> None:
    assert chosen_engine({}) is engine_to_use()


def test_either_can_be_named() -> None:
    assert chosen_engine({VARIABLE: "pyopenssl"}) is TlsEngine.PYOPENSSL
    if stdlib_tls.OBSTACLE is None:
        assert chosen_engine({VARIABLE: "ssl"}) is TlsEngine.SSL
    else:
        with pytest.raises(ConfigurationRefused, match="CCFPY_TLS is 'ssl': "):
            chosen_engine({VARIABLE: "ssl"})


@pytest.mark.parametrize("name", ["", "SSL", "rustls"])
def test_no_other_can(name: str) -> None:
    with pytest.raises(
        ConfigurationRefused, match="TLS runs on pyopenssl or ssl; set it to one"
    ):
        chosen_engine({VARIABLE: name})


def test_it_is_told_in_words() -> None:
    assert describe_engine({VARIABLE: "pyopenssl"}).startswith("by pyOpenSSL: ")
    is_found = stdlib_tls.OBSTACLE is None
    words = (
        f"by the interpreter's {ssl.OPENSSL_VERSION}" if is_found else "by pyOpenSSL"
    )
    assert describe_engine({}).startswith(words)


def test_the_host_lets_the_enclave_know(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TLS_VARIABLE == VARIABLE
    monkeypatch.setenv(TLS_VARIABLE, "pyopenssl")
    assert enclave_environment()[VARIABLE] == "pyopenssl"
