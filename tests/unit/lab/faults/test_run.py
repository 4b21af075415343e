"""The first of several errors is told."""

import pytest

from ccfpy.base.errors import CcfpyError
from tests.lab.faults.run import first_of


def test_the_first_error_of_nested_groups_is_given() -> None:
    first = CcfpyError("first")
    inner = ExceptionGroup("inner", [first, CcfpyError("second")])
    assert first_of(ExceptionGroup("outer", [inner])) is first


def test_a_group_of_something_else_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        first_of(ExceptionGroup("outer", [ValueError()]))
