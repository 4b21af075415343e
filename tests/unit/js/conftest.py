"""An engine to run guests on, and the certificates they are shown."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import pytest

from ccfpy.crypto.certs import (
    Certificate,
    certificate_request,
    endorse_request,
    service_certificate,
)
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.js.engine import JsLimits, Program
from ccfpy.js.extension import Extension
from ccfpy.js.quickjs import QuickJs
from ccfpy.testing.entropy import SeededEntropy


@dataclass
class CountingClock:
    """A clock that moves a tenth of a second each time it is read."""

    now_ns: int = 0

    def monotonic_ns(self) -> int:
        self.now_ns += 100_000_000
        return self.now_ns


@pytest.fixture
def engine() -> QuickJs:
    return QuickJs(CountingClock())


Evaluate = Callable[..., object]


@pytest.fixture
def evaluate(engine: QuickJs) -> Evaluate:
    """Run a function body with some extensions; return its result."""

    def run(body: str, extensions: Sequence[Extension], *arguments: object) -> object:
        text = engine.call_export(
            Program(name="guest", source=f"export function f(...args) {{ {body} }}"),
            "f",
            arguments,  # type: ignore[arg-type]  # tests pass plain objects
            extensions=extensions,
            limits=JsLimits(),
        )
        return None if text is None else json.loads(text)

    return run


EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 100


@dataclass
class Authority:
    """A service with the certificates it gives."""

    key: KeyPair
    certificate: Certificate

    @classmethod
    def named(cls, name: str) -> Self:
        entropy = SeededEntropy(name.encode())
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = service_certificate(
            key,
            subject=f"CN={name}",
            not_before=EPOCH,
            validity_days=DAYS,
            entropy=entropy,
        )
        return cls(key, certificate)

    def endorse(self, name: str) -> tuple[Certificate, str]:
        """Return a certificate and the request it was made from."""
        entropy = SeededEntropy(name.encode())
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        request = certificate_request(key, subject=f"CN={name}", sans=[])
        certificate = endorse_request(
            request,
            issuer_key=self.key,
            issuer_cert=self.certificate,
            not_before=EPOCH,
            validity_days=DAYS,
            entropy=entropy,
        )
        return certificate, request


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.named("Service")
