"""``ccf.gov``: checks a constitution before members vote on it.

A constitution that cannot be called would leave the service without government. So the
proposed one is loaded in an interpreter of its own, and the parameters of its exports
are counted. While it is loaded it may use ``ccf`` and ``console``, but must have no
effect: these are stand-ins on which every call does nothing.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ccfpy.base.limits import JS_CONSTITUTION_CHARS_MAX
from ccfpy.js.engine import JsException, JsLimits, JsModuleFailed, Program
from ccfpy.js.extension import (
    ExtensionFunction,
    JsThrow,
    StatelessExtension,
    own_source,
    type_error,
)
from ccfpy.js.quickjs import QuickJs

_NAME = "proposed constitution"


_STAND_INS = StatelessExtension(
    """
(function () {
  const hollow = new Proxy(function () {}, {
    __proto__: null,
    get: (_target, name) => (name === Symbol.toPrimitive ? () => "" : hollow),
    apply: () => hollow,
    construct: () => hollow,
  });
  for (const name of ["ccf", "console", "snp_attestation"]) globalThis[name] = hollow;
})
"""
)
"""The extension that defines the stand-ins."""


class _Signature(NamedTuple):
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


_EXPORTS = {
    "apply": _Signature(("proposal", "proposerId")),
    "resolve": _Signature(("proposal", "proposerId", "votes"), ("proposalId",)),
    "validate": _Signature(("input",)),
}
"""The required exports, in the order in which faults are reported."""


class GovExtension:
    """The extension ``ccf.gov``.

    Attributes:
        limits: the limits for loading a proposed constitution.
    """

    source: Final = own_source(__name__)

    def __init__(self, engine: QuickJs, limits: JsLimits) -> None:
        self._engine = engine
        self.limits = limits

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {"validate": self._validate}

    def _validate(self, constitution: str) -> None:
        if not constitution:
            raise type_error("constitution is empty")
        if len(constitution) > JS_CONSTITUTION_CHARS_MAX:
            raise type_error(
                f"constitution is longer than {JS_CONSTITUTION_CHARS_MAX} characters"
            )
        program = Program(name=_NAME, source=constitution)
        for name, signature in _EXPORTS.items():
            try:
                count = self._engine.parameter_count(
                    program, name, extensions=[_STAND_INS], limits=self.limits
                )
            except (JsModuleFailed, JsException) as error:
                raise type_error(
                    f"{_NAME} does not export a function named {name}: {error}"
                ) from None
            fewest = len(signature.required)
            most = fewest + len(signature.optional)
            if not fewest <= count <= most:
                raise _wrong_count(name, signature, count)


def _wrong_count(name: str, signature: _Signature, count: int) -> JsThrow:
    fewest = len(signature.required)
    names = ", ".join(signature.required)
    if signature.optional:
        most = fewest + len(signature.optional)
        expected = (
            f"between {fewest} and {most} args "
            f"({names}[, {', '.join(signature.optional)}])"
        )
    else:
        expected = f"{_args(fewest)} ({names})"
    return type_error(
        f"{_NAME} exports function {name} with {_args(count)}, expected {expected}"
    )


def _args(count: int) -> str:
    return f"{count} arg" if count == 1 else f"{count} args"
