"""The bounds of what callers send, each by its name."""

COLLECTION_CHARS_MAX = 256
"""Of a collection's id."""
TAGS_MAX = 5
"""How many tags an entry may have."""
TAG_CHARS_MAX = 64
ROLES_MAX = 10
"""How many roles a user may have."""
ROLES_DEFINED_MAX = 100
"""How many roles administrators may define."""
ROLE_CHARS_MAX = 64
ACTIONS_MAX = 100
"""How many actions a role may permit."""
ACTION_CHARS_MAX = 128
FUNCTIONS_MAX = 100
FUNCTION_ID_CHARS_MAX = 64
HOOKS_MAX = 5
"""How many functions may run around the append of an entry, before and after it."""
ENTRIES_PER_PAGE = 100
NAMES_PER_PAGE = 1000
"""How many collections, members or users a page has."""
WAIT_MS = 1000
"""How long a page may wait for the index and the ledger before it says Loading."""
