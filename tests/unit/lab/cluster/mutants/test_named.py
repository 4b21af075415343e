"""Each mistake that no simulation can show is found by the test that it names."""

import pytest

from tests.lab.cluster.mutants.catalogue import BY_NAME, NAMED
from tests.lab.cluster.mutants.mutant import Edit, Mutant
from tests.lab.cluster.mutants.named import FOUND, MISSED, main, outcomes


@pytest.mark.slow
def test_the_named_tests_find_their_mutants() -> None:
    found = outcomes(NAMED)
    assert found == {mutant.name: FOUND for mutant in NAMED}


def test_a_mutant_names_a_test_or_is_shown_by_nodes() -> None:
    assert not [mutant.name for mutant in NAMED if mutant.story]
    assert len({mutant.found_by for mutant in NAMED}) > len(NAMED) // 2


def test_what_a_test_does_not_find_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = iter((pytest.ExitCode.OK, pytest.ExitCode.USAGE_ERROR))
    monkeypatch.setattr(pytest, "main", lambda _: next(codes))
    name = NAMED[0].name
    main([name, name])
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{name}\t{MISSED}"
    assert second.startswith(f"{name}\tpytest ends with")
    assert isinstance(BY_NAME[name], Mutant)
    assert isinstance(BY_NAME[name].edits[0], Edit)
