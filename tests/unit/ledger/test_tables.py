"""Names that ledgers of other implementations share."""

from ccfpy.kv.names import AccessCategory, SecurityDomain, kind_of
from ccfpy.ledger import tables


def test_every_table_an_auditor_reads_is_public_and_the_frameworks() -> None:
    names = [
        value
        for value in vars(tables).values()
        if isinstance(value, str) and value.startswith("public:")
    ]
    assert len(names) == 12
    for name in names:
        domain, category = kind_of(name)
        assert domain is SecurityDomain.PUBLIC
        assert category in (AccessCategory.INTERNAL, AccessCategory.GOVERNANCE)


def test_a_single_value_stands_under_eight_zero_bytes() -> None:
    assert bytes(8) == tables.SINGLE_KEY


def test_signatures_write_three_tables() -> None:
    assert sorted(tables.SIGNATURE_TABLES) == [
        "public:ccf.internal.cose_signatures",
        "public:ccf.internal.signatures",
        "public:ccf.internal.tree",
    ]
