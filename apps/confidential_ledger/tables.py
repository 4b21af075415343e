"""The tables. Entries are private; who may write them is public, for auditors."""

from dataclasses import dataclass

from ccfpy.app import RAW, STRING, Map, Set, Value, json_codec

PREFIX = "confidential_ledger."
AZURES_PREFIX = "confidentialledger."
"""Of tables that scripts may read, and find under Azure's names for them."""
_ROLES_PREFIX = f"public:{AZURES_PREFIX}roles."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The last entry of a collection.

    Attributes:
        contents: the text that was appended.
        secret_key: of the claim in the transaction's receipt. A claim without its key
            says nothing of the contents.
    """

    contents: str
    secret_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function in JavaScript: the source of its module."""

    code: str


ENTRIES = Map(f"{PREFIX}entries", STRING, json_codec(Entry))
"""By collection. The history of a row is the collection."""
TAGGED = Set(f"{PREFIX}tagged", json_codec(list[str]))
"""Each is a collection and a tag. The history of a key is the tag's entries."""
USERS = Map(
    f"{_ROLES_PREFIX}user_roles_mapping", json_codec(str), json_codec(list[str])
)
"""The roles of each user."""
FUNCTIONS = Map(f"public:{PREFIX}functions", STRING, json_codec(Function))
BUNDLE = Value(f"public:{PREFIX}bundle", RAW)
"""The endpoints in JavaScript as they were brought last, in JSON."""
ROLES = Set(f"public:{PREFIX}roles", STRING)
"""The names of roles that administrators defined."""


def actions_table(role: str) -> Set[str]:
    """Return the table of the actions that a role permits."""
    return Set(f"{_ROLES_PREFIX}user_roles_definitions.{role}", json_codec(str))


# Governance's: members write them, the application only reads.
CONSTITUTION = Value("public:ccf.gov.constitution", json_codec(str))
MEMBERS: Map[str, str] = Map("public:ccf.gov.members.certs", STRING, STRING)
"""Certificates of members by the members' ids."""
