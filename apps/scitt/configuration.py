"""What members decided: who may call, and which statements the service takes.

The action ``set_scitt_configuration`` of the app's constitution writes it, as CCF's
service has it. Before members have decided, nobody may call.
"""

from dataclasses import dataclass, field
from typing import Final

from apps.scitt.limits import STATEMENT_BYTES_MAX
from apps.scitt.signatures import ALGORITHMS
from ccfpy.app import JSON_NAME, RAW, Context, JsonObject, Value, json_codec

TABLE: Final = "public:ccf.gov.scitt.configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which statements may be registered.

    Attributes:
        accepted_algorithms: of signatures, by name; all known ones by default.
        policy_script: a JavaScript module that exports ``apply``.
    """

    accepted_algorithms: list[str] | None = field(
        default=None, metadata={JSON_NAME: "acceptedAlgorithms"}
    )
    policy_script: str | None = field(
        default=None, metadata={JSON_NAME: "policyScript"}
    )

    def accepts(self, algorithm: str) -> bool:
        """Return whether a signature by an algorithm may be registered."""
        accepted = self.accepted_algorithms
        if accepted is None:
            accepted = [known.name for known in ALGORITHMS.values()]
        return algorithm in accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtRules:
    """What a token must claim.

    Attributes:
        required_claims: by name; no token is enough if there are none.
    """

    required_claims: JsonObject | None = field(
        default=None, metadata={JSON_NAME: "requiredClaims"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """Who may call."""

    allow_unauthenticated: bool | None = field(
        default=None, metadata={JSON_NAME: "allowUnauthenticated"}
    )
    jwt: JwtRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All of it."""

    policy: Policy | None = None
    authentication: Authentication | None = None
    max_signed_statement_bytes: int | None = field(
        default=None, metadata={JSON_NAME: "maxSignedStatementBytes"}
    )

    @property
    def statement_bytes_max(self) -> int:
        """The size of a statement that may be registered."""
        most = self.max_signed_statement_bytes
        return STATEMENT_BYTES_MAX if most is None else most


CONFIGURATION = Value(TABLE, json_codec(Configuration))
WRITTEN = Value(TABLE, RAW)
"""The same table, as members wrote it."""


def configured(ctx: Context) -> Configuration:
    """Return what members decided."""
    return CONFIGURATION.of(ctx.tx).get() or Configuration()
