"""Bytecode tables and JWT keys."""

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.gov_effects import gov_effects_extension
from ccfpy.js.quickjs import VERSION
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.tables.js import MODULES, MODULES_BYTECODE, MODULES_VERSION
from tests.unit.js.conftest import Evaluate


class Keys:
    def __init__(self, refusal: str | None = None) -> None:
        self.asked: list[object] = []
        self.refusal = refusal

    def set_jwt_public_signing_keys(
        self, issuer: str, *, metadata: JsonObject, jwks: JsonObject
    ) -> None:
        if self.refusal:
            raise CcfpyError(self.refusal)
        self.asked.append((issuer, metadata, jwks))

    def remove_jwt_public_signing_keys(self, issuer: str) -> None:
        if self.refusal:
            raise CcfpyError(self.refusal)
        self.asked.append(issuer)


def modules(**sources: str) -> Tx:
    tx = Store().begin()
    for name, source in sources.items():
        tx.raw(MODULES.name).put(f"/{name}.js".encode(), source.encode())
    return tx


def test_every_module_is_compiled_into_the_bytecode_table(evaluate: Evaluate) -> None:
    tx = modules(a="import { b } from './b.js'; export let a", b="export let b")
    tx.raw(MODULES_BYTECODE.name).put(b"/old.js", b"old")
    extension = gov_effects_extension(tx, Keys())
    assert evaluate("return ccf.refreshAppBytecodeCache()", [extension]) is None
    assert tx.raw(MODULES_VERSION.name).get(bytes(8)) == VERSION.encode()
    assert sorted(tx.raw(MODULES_BYTECODE.name).keys()) == [b"/a.js", b"/b.js"]


def test_a_module_that_does_not_compile_is_reported(evaluate: Evaluate) -> None:
    extension = gov_effects_extension(modules(a="bad syntax"), Keys())
    with pytest.raises(JsException) as caught:
        evaluate("ccf.refreshAppBytecodeCache()", [extension])
    assert caught.value.reason.startswith(
        "InternalError: Failed to refresh bytecode: Failed to compile /a.js"
    )


def test_jwt_keys_are_passed_on_as_json(evaluate: Evaluate) -> None:
    keys = Keys()
    body = """
        ccf.setJwtPublicSigningKeys("https://issuer", {a: 1}, {keys: []});
        ccf.removeJwtPublicSigningKeys("https://issuer");
    """
    evaluate(body, [gov_effects_extension(modules(), keys)])
    issuer = "https://issuer"
    assert keys.asked == [(issuer, {"a": 1}, {"keys": []}), issuer]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            "setJwtPublicSigningKeys('i', {}, {})",
            "InternalError: Error setting JWT public signing keys: no",
        ),
        (
            "setJwtPublicSigningKeys('i', 1, {})",
            (
                "InternalError: Error setting JWT public signing keys: expected a JSON "
                "object, found int"
            ),
        ),
        (
            "setJwtPublicSigningKeys('i', {a: 1n}, {})",
            "TypeError: metadata argument is not a JSON object",
        ),
        (
            "removeJwtPublicSigningKeys('i')",
            "InternalError: Failed to remove JWT public signing keys: no",
        ),
        (
            "setJwtPublicSigningKeys('i')",
            "TypeError: Passed 1 arguments but expected 3",
        ),
        (
            "removeJwtPublicSigningKeys()",
            "TypeError: Passed 0 arguments but expected 1",
        ),
        (
            "refreshAppBytecodeCache(1)",
            "TypeError: Passed 1 arguments but expected none",
        ),
    ],
)
def test_failures_reach_the_guest(evaluate: Evaluate, call: str, reason: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.{call}", [gov_effects_extension(modules(), Keys("no"))])
    assert caught.value.reason == reason
