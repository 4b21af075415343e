"""The access table, row by row as CCF's documentation has it."""

import pytest

from ccfpy.js.engine import Permission, TxAccess, explain, permission

NONE, READ, WRITE, BOTH = (
    Permission.NONE,
    Permission.READ,
    Permission.WRITE,
    Permission.READ_WRITE,
)
CONTEXTS = (TxAccess.GOV_RO, TxAccess.GOV_RW, TxAccess.APP_RO, TxAccess.APP_RW)
TABLE = {
    "public:ccf.gov.t": (READ, BOTH, READ, READ),
    "public:ccf.internal.t": (READ, READ, READ, READ),
    "public:app": (NONE, WRITE, READ, BOTH),
    "ccf.gov.t": (NONE, NONE, NONE, NONE),
    "ccf.internal.t": (NONE, NONE, NONE, NONE),
    "app": (NONE, NONE, READ, BOTH),
    "ccf.reserved": (NONE, NONE, NONE, NONE),
    "public:ccf.reserved": (NONE, NONE, NONE, NONE),
    "PUBLIC:ccf.gov.t": (NONE, NONE, READ, BOTH),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_context_may_do_what_the_table_says(name: str) -> None:
    assert tuple(permission(access, name) for access in CONTEXTS) == TABLE[name]


def test_a_refusal_names_the_right_and_the_context() -> None:
    assert explain(Permission.READ, TxAccess.GOV_RO) == (
        "This table is read-only in current (read-only governance) execution context. "
        "See https://microsoft.github.io/CCF/main/audit/read_write_restrictions.html "
        "for more detail."
    )
    assert "write-only in current (read-write gov" in explain(WRITE, TxAccess.GOV_RW)
    assert "inaccessible in current (application)" in explain(NONE, TxAccess.APP_RW)
