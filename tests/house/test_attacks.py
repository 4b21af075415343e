"""Every attack in the table has a test, and no test names an attack outside the
table."""

import pytest

from tests.attacks import STOPPED, attack
from tests.house.attack_marks import marked


def test_every_attack_has_a_test() -> None:
    tried = {each.attack for each in marked()}
    assert [name for name in STOPPED if name not in tried] == []


def test_no_test_names_an_attack_that_is_not_in_the_table() -> None:
    strange = [
        f"{each.path}: {each.test}: {each.attack}"
        for each in marked()
        if each.attack not in STOPPED
    ]
    assert strange == []
    with pytest.raises(LookupError):
        attack("join: by asking nicely")


def test_marks_are_on_tests_and_name_cases_that_they_have() -> None:
    wrong = [
        f"{each.path}: {each.test}: {case or each.attack}"
        for each in marked()
        for case in ("", *each.cases)
        if not each.test.startswith("test_") or (case and case not in each.known)
    ]
    assert wrong == []


def test_every_attack_says_what_stops_it() -> None:
    assert all(by.endswith(".") and len(by) > len("400") for by in STOPPED.values())
