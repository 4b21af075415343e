"""The properties that the names of maps determine."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.kv.names import (
    AccessCategory,
    MapKind,
    ReservedName,
    SecurityDomain,
    is_public,
    kind_of,
)

PUBLIC, PRIVATE = SecurityDomain.PUBLIC, SecurityDomain.PRIVATE
INTERNAL, GOVERNANCE, APPLICATION = (
    AccessCategory.INTERNAL,
    AccessCategory.GOVERNANCE,
    AccessCategory.APPLICATION,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("public:ccf.gov.users.info", MapKind(PUBLIC, GOVERNANCE)),
        ("ccf.gov.hidden", MapKind(PRIVATE, GOVERNANCE)),
        ("public:ccf.internal.tree", MapKind(PUBLIC, INTERNAL)),
        ("ccf.internal.secrets", MapKind(PRIVATE, INTERNAL)),
        ("public:ccfpy.internal.requests", MapKind(PUBLIC, INTERNAL)),
        ("ccfpy.internal.requests", MapKind(PRIVATE, INTERNAL)),
        ("public:ccfpy.records", MapKind(PUBLIC, APPLICATION)),
        ("public:records", MapKind(PUBLIC, APPLICATION)),
        ("records", MapKind(PRIVATE, APPLICATION)),
        ("PUBLIC:records", MapKind(PRIVATE, APPLICATION)),
        ("public:CCF.gov.users", MapKind(PUBLIC, APPLICATION)),
        ("public:ccfx", MapKind(PUBLIC, APPLICATION)),
        ("public:public:ccf.x", MapKind(PUBLIC, APPLICATION)),
        ("", MapKind(PRIVATE, APPLICATION)),
    ],
)
def test_a_name_tells_domain_and_category(name: str, kind: MapKind) -> None:
    assert kind_of(name) == kind
    assert is_public(name) is (kind.security_domain is PUBLIC)


@pytest.mark.parametrize(
    "name", ["ccf.", "ccf.users", "public:ccf.governance", "ccf.gov"]
)
def test_other_names_of_the_framework_are_reserved(name: str) -> None:
    with pytest.raises(ReservedName, match="reserved prefix"):
        kind_of(name)


def test_a_name_that_no_ledger_could_hold_is_refused() -> None:
    with pytest.raises(Malformed, match="lone surrogate at 1"):
        kind_of("x\ud800")
