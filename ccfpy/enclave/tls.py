"""Which engine a node's TLS runs on: the faster one, or the one that somebody names.

Both do the same (ADR 16); the switch is for measuring, and for the day that one of them
has a flaw.
"""

import ssl
from collections.abc import Mapping

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.http import stdlib_tls
from ccfpy.http.tls import EngineNotAvailable, engine_to_use
from ccfpy.http.tls_engine import TlsEngine

VARIABLE = "CCFPY_TLS"


def chosen_engine(environment: Mapping[str, str]) -> TlsEngine:
    """Give the engine to run on.

    Args:
        environment: may name one.

    Raises:
        ConfigurationRefused: it names another, or one that cannot run here.
    """
    named = environment.get(VARIABLE)
    try:
        return engine_to_use(None if named is None else TlsEngine(named))
    except ValueError:
        raise ConfigurationRefused(
            f"{VARIABLE} is {named!r}, and TLS runs on {' or '.join(TlsEngine)}; set "
            "it to one of them or leave it out"
        ) from None
    except EngineNotAvailable as obstacle:
        raise ConfigurationRefused(f"{VARIABLE} is {named!r}: {obstacle}") from obstacle


def describe_engine(environment: Mapping[str, str]) -> str:
    """Say what TLS runs on, in words for whoever looks after the machine.

    Raises:
        ConfigurationRefused: as ``chosen_engine``.
    """
    if chosen_engine(environment) is TlsEngine.SSL:
        return f"by the interpreter's {ssl.OPENSSL_VERSION}"
    reason = stdlib_tls.OBSTACLE or f"as {VARIABLE} says"
    return f"by pyOpenSSL: {reason}"
