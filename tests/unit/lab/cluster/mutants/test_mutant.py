"""A mistake is put in, and taken out."""

from types import ModuleType

import pytest

from ccfpy.base import ids
from ccfpy.base.ids import TxId
from ccfpy.consensus import configurations, quorum
from ccfpy.consensus.quorum import quorum_size
from tests.lab.cluster.mutants.mutant import Edit, Mutant, NotApplicable


def _edit(
    function: str, before: str, after: str = "0", module: ModuleType = quorum
) -> Edit:
    return Edit(module=module, function=function, before=before, after=after)


def _mutant(*edits: Edit) -> Mutant:
    return Mutant(name="some", reason="A mistake.", edits=edits)


def test_whoever_imported_a_function_runs_the_mutant() -> None:
    mutant = _mutant(_edit("quorum_size", "nodes // 2 + 1", "nodes // 2"))
    with mutant.applied():
        assert quorum_size(3) == 1
        assert quorum.quorum_size(3) == 1
    assert quorum_size(3) == 2


def test_the_code_comes_back_after_a_failure() -> None:
    mutant = _mutant(_edit("quorum_size", "nodes // 2 + 1"))
    with pytest.raises(ZeroDivisionError), mutant.applied():
        _ = 1 / quorum_size(3)
    assert quorum_size(3) == 2


def test_methods_and_properties_can_be_changed() -> None:
    mutant = _mutant(
        _edit("Configurations.__len__", "len(self._active)", "7", configurations),
        _edit(
            "Configurations.latest", "self._active[-1].nodes if", "7 if", configurations
        ),
    )
    with mutant.applied():
        assert len(configurations.Configurations()) == 7
    assert len(configurations.Configurations()) == 0


def test_class_methods_can_be_changed() -> None:
    mutant = _mutant(_edit("TxId.parse", "cls(int(match[1]), int(match[2]))", "7", ids))
    with mutant.applied():
        assert str(TxId.parse("2.3")) == "7"
    assert TxId.parse("2.3") == TxId(2, 3)


@pytest.mark.parametrize(
    ("function", "before"),
    [
        ("quorum_size", "no such text"),
        ("quorum_size", "nodes"),
        ("Sequence", "x"),
    ],
)
def test_a_mistake_that_does_not_fit_is_refused(function: str, before: str) -> None:
    mutant = _mutant(_edit(function, before))
    with pytest.raises(NotApplicable), mutant.applied():
        pass
    assert quorum_size(3) == 2
