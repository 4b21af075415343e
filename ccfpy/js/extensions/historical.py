"""``ccf.historical`` and ``ccf.historicalState``: what earlier transactions wrote.

A script chooses a number as its handle; handles of other users of the past are apart.
Each state has a ``kv`` of its own, which is read-only, and a receipt that proves it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import HISTORY_EXPIRY_S, JS_STATES_MAX
from ccfpy.endpoints.history import HistoricalState, HistoryFailed
from ccfpy.js.engine import Permission, TxAccess
from ccfpy.js.extension import (
    ExtensionArgument,
    ExtensionFunction,
    ExtensionResult,
    internal_error,
    or_throw,
    own_source,
)
from ccfpy.js.extensions.kv import KvExtension

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno
    from ccfpy.endpoints.context import Context


_READ_ONLY = "All tables are read-only during historical transaction."
_ASKED = 0
"""The key of the state that the caller asked about: no transaction has this seqno."""


class HistoricalExtension:
    """The extension ``ccf.historical``; call ``begin`` before each call of a script."""

    source: Final = own_source(__name__)

    def __init__(self, context: "Callable[[], Context]", access: TxAccess) -> None:
        self._context = context
        self._access = access
        self._calls = 0
        self._states: dict[Seqno, _State] = {}

    def begin(self) -> None:
        """Forget the states of an earlier call."""
        self._calls += 1
        self._states.clear()

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "asked": self._asked,
            "range": self._range,
            "drop": self._drop,
            "describe": self._describe,
            "table": self._table,
        }

    def _asked(self) -> int | None:
        """Return the number of the call, if its caller asked about a state."""
        return None if self._context().historical_state is None else self._calls

    def _range(self, handle: float, first: float, last: float, expiry: float) -> int:
        """Ask for states, and return their number; 0 if any is not available.

        A state is not available until it is committed and fetched, and never if the
        ledger lacks it. An app asks again later, or looks up the transaction's status.
        """
        if last < first:
            raise internal_error(
                "Failed to get state range: Invalid range for historical query: "
                f"end {int(last)} is before start {int(first)}"
            )
        if last - first >= JS_STATES_MAX:
            raise internal_error(
                f"Failed to get state range: more than {JS_STATES_MAX} states at once"
            )
        committed = self._context().node.committed_tx_id()
        if first < 1 or committed is None or last > committed.seqno:
            return 0
        try:
            states = self._context().node.history.states_range(
                (HistoricalExtension, int(handle)),
                int(first),
                int(last),
                expiry_s=min(int(expiry), HISTORY_EXPIRY_S),
            )
        except HistoryFailed:
            return 0
        if states is None:
            return 0
        for state in states:
            self._states[state.txid.seqno] = _State(state, self._access)
        return len(states)

    def _drop(self, handle: float) -> bool:
        return self._context().node.history.drop_request(
            (HistoricalExtension, int(handle))
        )

    def _describe(self, key: float) -> str:
        state = self._state(key).state
        receipt = or_throw(lambda: _receipt(state), "Failed to get receipt")
        described: JsonObject = {"transactionId": str(state.txid), "receipt": receipt}
        return json.dumps(described).decode()

    def _table(
        self, key: float, method: str, *arguments: ExtensionArgument
    ) -> ExtensionResult:
        return self._state(key).table[method](*arguments)

    def _state(self, key: float) -> "_State":
        """Return a state of this call; the states of earlier calls are gone."""
        found = self._states.get(int(key))
        if found is None and key == _ASKED:
            asked = self._context().historical_state
            if asked is not None:
                found = self._states[_ASKED] = _State(asked, self._access)
        if found is None:
            raise internal_error("Internal: Unable to access MapHandle")
        return found


class _State:
    """A state, and the functions of its ``kv``."""

    __slots__ = ("state", "table")

    def __init__(self, state: HistoricalState, access: TxAccess) -> None:
        self.state = state
        self.table = KvExtension(state.tx, access, _read_only).functions()


def _read_only(_table: str, granted: Permission) -> tuple[Permission, str | None]:
    """Take the right to write away; a hidden table stays hidden."""
    if granted is Permission.NONE:
        return granted, None
    return Permission.READ, _READ_ONLY


def _receipt(state: HistoricalState) -> JsonObject:
    """Return a receipt as scripts see it (``src/js/extensions/ccf/historical.cpp``)."""
    receipt = state.receipt.json_receipt.to_json_v2()
    receipt.pop("service_endorsements")
    if receipt["is_signature_transaction"]:
        receipt["root_hex"] = receipt.pop("leaf")
        receipt.pop("proof")
    return receipt
