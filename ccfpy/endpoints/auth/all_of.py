"""``all_of``: several policies at once, each of which must accept the caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.endpoints.auth.policy import (
    AuthPolicy,
    CustomAuth,
    Identity,
    Unauthenticated,
)

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context

SEPARATOR = "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerOfAll:
    """A caller whom every policy accepted.

    Attributes:
        policy: the policies' names, joined.
        identities: the caller as each policy identified it, by the policy's name.
    """

    policy: str
    identities: Mapping[str, Identity]


class AllOf:
    """Accepts what all of its policies accept; they are asked in the order of names."""

    security_scheme = None

    def __init__(self, policies: Sequence[AuthPolicy]) -> None:
        """Join policies.

        Raises:
            ValueError: two have the same name.
        """
        self._policies = tuple(sorted(policies, key=lambda policy: policy.name))
        names = [policy.name for policy in self._policies]
        if len(set(names)) != len(names):
            raise ValueError(f"a policy stands twice among {names}")
        self.name = SEPARATOR.join(names)
        self.runs_app_code = not all(map(_is_ours, self._policies))
        """Whether one of the policies is an application's."""

    def authenticate(self, context: "Context") -> CallerOfAll:
        """Name the caller to each policy; the first refusal is the refusal of all."""
        identities = {}
        for policy in self._policies:
            try:
                identities[policy.name] = policy.authenticate(context)
            except Unauthenticated as refusal:
                raise Unauthenticated(
                    f"{policy.name}:{refusal}", challenge=refusal.challenge
                ) from refusal
        return CallerOfAll(policy=self.name, identities=identities)


def _is_ours(policy: AuthPolicy) -> bool:
    kind = type(policy)
    return kind.__module__.startswith("ccfpy.") and kind is not CustomAuth
