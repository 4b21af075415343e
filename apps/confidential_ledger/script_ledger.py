"""What scripts find: who calls, and what a user may do.

``acl`` has Azure's own names for it, ``confidentialLedger`` ours. Five functions of the
latter are for our own module: to refuse callers and too many hooks, to look for a
function, and to name the collection of the request and append its entry. Other scripts
may call them too, with the rights of their caller.
"""

from collections.abc import Mapping

from apps.confidential_ledger.callers import require, roles_of, user_id_of
from apps.confidential_ledger.entries import append_asked, collection_asked
from apps.confidential_ledger.limits import HOOKS_MAX
from apps.confidential_ledger.roles import Action, is_permitted
from apps.confidential_ledger.tables import FUNCTIONS
from apps.confidential_ledger.user_ids import parse_user_id
from ccfpy.app import ApiError, CurrentRequest, ErrorCode, ExtensionFunction


class ScriptLedger:
    """The extension ``confidentialLedger``, and ``acl`` beside it."""

    source = """
        (function (python, { arity, methods, textOf }) {
          const certUtils = methods({}, {
            convertToAclFingerprintFormat(...args) {
              arity(args, 0, " but expected 0");
              return python.userId();
            },
          });
          const authz = methods({}, {
            actionAllowed(...args) {
              arity(args, 2, " but expected 2");
              return python.isAllowed(textOf(args[0]), textOf(args[1]));
            },
          });
          globalThis.acl = { authz, certUtils };
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
            requireFewHooks(...args) {
              arity(args, 1, " but expected 1");
              python.requireFewHooks(Number(args[0]));
            },
            collectionId(...args) {
              arity(args, 0, " but expected 0");
              return python.collectionId();
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
            "isAllowed": self._is_allowed,
            "requireFewHooks": self._require_few_hooks,
            "collectionId": self._collection_id,
            "append": self._append,
        }

    def _user_id(self) -> str:
        return user_id_of(self._current_request.context)

    def _is_permitted(self, action: str) -> bool:
        ctx = self._current_request.context
        return is_permitted(ctx, roles_of(ctx, user_id_of(ctx)), action)

    def _is_allowed(self, user_id: str, action: str) -> bool:
        ctx = self._current_request.context
        return is_permitted(ctx, roles_of(ctx, parse_user_id(user_id)), action)

    def _require_contributor(self) -> None:
        require(self._current_request.context, Action.WRITE)

    def _has_function(self, function_id: str) -> bool:
        return FUNCTIONS.of(self._current_request.context.tx).has(function_id)

    def _require_few_hooks(self, count: float) -> None:
        if count > HOOKS_MAX:
            message = f"{HOOKS_MAX} hooks at most run around an append."
            raise ApiError(400, ErrorCode.InvalidInput, message)

    def _collection_id(self) -> str:
        return collection_asked(self._current_request.context)

    def _append(self, contents: str) -> str:
        """Append an entry as the request asks, and return its collection."""
        ctx = self._current_request.context
        require(ctx, Action.WRITE)
        return append_asked(ctx, contents)
