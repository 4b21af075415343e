"""Every kind of fault can be made."""

from ccfpy.testing.faults.faults import _FAULTS, NAMESPACED, FaultKind


def test_every_kind_has_its_fault() -> None:
    assert {*_FAULTS, *NAMESPACED} == set(FaultKind)
    assert set(_FAULTS).isdisjoint(NAMESPACED)
