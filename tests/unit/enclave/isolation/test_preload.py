"""Modules that libraries import late are loaded in time."""

import sys
from importlib.util import find_spec

import pytest

from ccfpy.enclave.isolation.preload import LATE, preload


@pytest.mark.parametrize("name", LATE)
def test_it_names_modules_that_there_are(name: str) -> None:
    assert find_spec(name) is not None


def test_all_of_it_is_imported() -> None:
    preload()
    assert [name for name in LATE if name not in sys.modules] == []
