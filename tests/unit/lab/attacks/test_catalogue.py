"""How attacks are chosen."""

import pytest

from tests.lab.attacks.attack import Family
from tests.lab.attacks.catalogue import ATTACKS, choose


def test_names_are_unique_and_every_family_has_attacks() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)
    assert {attack.family for attack in ATTACKS} == set(Family)
    assert set(names).isdisjoint(set(Family))


def test_all_are_chosen_by_no_name_and_some_by_theirs() -> None:
    assert choose([], is_quick=False) == list(ATTACKS)
    assert {each.name for each in choose([Family.TLS], is_quick=False)} == {
        "chains",
        "handshakes",
    }
    assert [each.name for each in choose(["sleep"], is_quick=True)] == ["sleep"]
    with pytest.raises(LookupError, match="no attack 'x'"):
        choose(["x"], is_quick=False)


def test_the_short_form_leaves_some_out_and_no_family() -> None:
    quick = choose([], is_quick=True)
    assert len(quick) < len(ATTACKS)
    assert {attack.family for attack in quick} == set(Family)
