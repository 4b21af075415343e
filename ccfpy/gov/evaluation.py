"""Running members' JavaScript: ballots, and the three functions of a constitution.

Each evaluation has an interpreter of its own and reads only public tables, so auditors
can repeat it. Only ``apply`` may write, and ask the node for effects. The limits are
the configured ones, but never below the defaults: a service whose limits were set too
low could otherwise not vote to raise them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.gov.operations import GovernanceNode
from ccfpy.js.engine import (
    JsArgument,
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    Program,
    TxAccess,
)
from ccfpy.js.extensions.console import ConsoleExtension, ConsoleLevel
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.js.extensions.date import frozen_date_extension
from ccfpy.js.extensions.gov import GovExtension
from ccfpy.js.extensions.gov_effects import gov_effects_extension
from ccfpy.js.extensions.kv import KvExtension
from ccfpy.js.extensions.network import network_extension
from ccfpy.js.extensions.node import node_extension
from ccfpy.js.extensions.random import math_random_extension
from ccfpy.js.extensions.snp_attestation import snp_attestation_extension
from ccfpy.service import jwt_keys
from ccfpy.service.records import Refused
from ccfpy.service.tables.js import RUNTIME_OPTIONS
from ccfpy.service.tables.proposals import Failure

if TYPE_CHECKING:
    from ccfpy.js.extension import Extension
    from ccfpy.kv.tx import Tx


class EvaluationFailed(Exception):
    """The script threw, or was stopped at a limit; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """Runs scripts on the state that one request sees.

    Attributes:
        unix_time_ms: the time that scripts see, in milliseconds since 1970.
    """

    node: GovernanceNode
    tx: "Tx"
    limits: JsLimits
    unix_time_ms: int

    @classmethod
    def of(cls, node: GovernanceNode, tx: "Tx", unix_time_us: int) -> "Evaluator":
        """Make an evaluator with the limits in ``tx``; the defaults if unreadable."""
        try:
            options = RUNTIME_OPTIONS.of(tx).get()
        except Malformed:
            options = None
        limits = JsLimits()
        if options is not None:
            limits = JsLimits(
                heap_bytes_max=options.max_heap_bytes,
                stack_bytes_max=options.max_stack_bytes,
                execution_ms_max=options.max_execution_time_ms,
            ).at_least_defaults()
        return cls(node=node, tx=tx, limits=limits, unix_time_ms=unix_time_us // 1000)

    def evaluate(
        self, script: Program, function: str, arguments: Sequence[JsArgument]
    ) -> str | None:
        """Call a function that may only read, and return its result as JSON text.

        Raises:
            EvaluationFailed: the function threw or was stopped.
            JsModuleFailed: the script has no such function.
        """
        return self._call(script, function, arguments, self._common(TxAccess.GOV_RO))

    def apply(
        self, script: Program, function: str, arguments: Sequence[JsArgument]
    ) -> None:
        """Call a function that may write and ask for effects.

        Raises:
            EvaluationFailed: the function threw or was stopped, or wrote what a table
                does not allow.
            JsModuleFailed: the script has no such function.
        """
        node, tx = self.node, self.tx
        extensions = [
            *self._common(TxAccess.GOV_RW),
            node_extension(node, tx),
            network_extension(node, tx),
            gov_effects_extension(tx, JwtKeyEffects(node, tx)),
        ]
        self._call(script, function, arguments, extensions)
        try:
            self.tx.check()
        except (Malformed, VerificationFailed) as error:
            raise EvaluationFailed(Failure(reason=str(error))) from error

    def _call(
        self,
        script: Program,
        function: str,
        arguments: Sequence[JsArgument],
        extensions: "Sequence[Extension]",
    ) -> str | None:
        engine = self.node.engine
        self.node.check_room_for_script()
        try:
            return engine.call_export(
                script, function, arguments, extensions=extensions, limits=self.limits
            )
        except JsException as error:
            if isinstance(error, JsLimitExceeded) and error.which is JsLimit.TIME:
                most = self.limits.execution_ms_max
                self.node.log(
                    "fail",
                    f"Stopped, as it may take {most} ms: {function} of {script.name}",
                )
            failure = Failure(reason=error.reason, trace=error.trace)
            raise EvaluationFailed(failure) from None

    def _common(self, access: TxAccess) -> "list[Extension]":
        return [
            ConsoleExtension(self._log),
            ConvertersExtension(),
            CryptoExtension(self.unix_time_ms, self.node.entropy),
            frozen_date_extension(self.unix_time_ms),
            snp_attestation_extension(lambda: self.unix_time_ms),
            GovExtension(self.node.engine, self.limits),
            KvExtension(self.tx, access),
            math_random_extension(self.node.entropy),
        ]

    def _log(self, level: ConsoleLevel, message: str) -> None:
        self.node.log(level.value, message)


class JwtKeyEffects:
    """The keys of JWT issuers (`ccfpy.js.extensions.gov_effects.JwtKeys`)."""

    def __init__(self, node: GovernanceNode, tx: "Tx") -> None:
        self._node = node
        self._tx = tx

    def set_jwt_public_signing_keys(
        self, issuer: str, *, metadata: JsonObject, jwks: JsonObject
    ) -> None:
        """Replace an issuer's keys.

        As in CCF, members are told only that it failed; the log says why.

        Raises:
            Refused: the key set cannot be used.
            Malformed: ``jwks`` is no key set, or ``metadata`` is not an issuer's.
        """
        jwt_keys.check_metadata(metadata)
        keys = jwt_keys.key_set(jwks)
        try:
            jwt_keys.set_keys(self._tx, issuer, keys)
        except Refused as error:
            self._node.log("fail", f"<js>: {error}")
            raise Refused("set_jwt_public_signing_keys() failed") from error

    def remove_jwt_public_signing_keys(self, issuer: str) -> None:
        """Remove an issuer's keys."""
        jwt_keys.remove_keys(self._tx, issuer)
