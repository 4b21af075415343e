"""What scripts find as ``confidentialLedger``: who calls, and what the caller may do.

Three functions are for our own module: one refuses callers, one looks for a function,
one appends the entry of the request. Other scripts may call them too, with the rights
of their caller.
"""

from collections.abc import Mapping

from apps.confidential_ledger.callers import require, roles_of, user_id_of
from apps.confidential_ledger.entries import append_asked
from apps.confidential_ledger.roles import Action, is_permitted
from apps.confidential_ledger.tables import FUNCTIONS
from ccfpy.app import CurrentRequest, ExtensionFunction


class ScriptLedger:
    """The extension ``confidentialLedger``."""

    source = """
        (function (python, { arity, methods, textOf }) {
          globalThis.confidentialLedger = methods({}, {
            userId(...args) {
              arity(args, 0, " but expected 0");
              return python.userId();
            },
            isPermitted(...args) {
              arity(args, 1, " but expected 1");
              return python.isPermitted(textOf(args[0]));
            },
            requireContributor(...args) {
              arity(args, 0, " but expected 0");
              python.requireContributor();
            },
            hasFunction(...args) {
              arity(args, 1, " but expected 1");
              return python.hasFunction(textOf(args[0]));
            },
            append(...args) {
              arity(args, 1, " but expected 1");
              return python.append(textOf(args[0]));
            },
          });
        })
    """

    def __init__(self, current_request: CurrentRequest) -> None:
        self._current_request = current_request

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "userId": self._user_id,
            "isPermitted": self._is_permitted,
            "requireContributor": self._require_contributor,
            "hasFunction": self._has_function,
            "append": self._append,
        }

    def _user_id(self) -> str:
        return user_id_of(self._current_request.context)

    def _is_permitted(self, action: str) -> bool:
        ctx = self._current_request.context
        return is_permitted(ctx, roles_of(ctx, user_id_of(ctx)), action)

    def _require_contributor(self) -> None:
        require(self._current_request.context, Action.WRITE)

    def _has_function(self, function_id: str) -> bool:
        return FUNCTIONS.of(self._current_request.context.tx).has(function_id)

    def _append(self, contents: str) -> str:
        """Append an entry as the request asks, and return its collection."""
        ctx = self._current_request.context
        require(ctx, Action.WRITE)
        return append_asked(ctx, contents)
