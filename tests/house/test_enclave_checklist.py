"""The checklist of an enclave's concepts is complete, and each test in it exists."""

import ast
from functools import cache

import pytest

from ccfpy.enclave.in_process import InProcess, InProcessLink
from ccfpy.enclave.loop import NODE, BoundaryProtocol
from ccfpy.host.enclave_link import ProcessLink
from ccfpy.host.enclave_process import EnclaveProcess
from ccfpy.toolkit.enclave.process import protocol_of
from ccfpy.toolkit.host.hosted import enclave_process
from tests.house.enclave_checklist import ROWS, Concept
from tests.house.tree import ROOT
from tests.unit.toolkit.enclave.driven import INTERFACE, enclave


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    found = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def test_every_concept_has_its_row_in_order() -> None:
    assert list(ROWS) == list(Concept)


@pytest.mark.parametrize("concept", Concept, ids=lambda concept: concept.name.lower())
def test_every_row_names_tests_that_there_are(concept: Concept) -> None:
    row = ROWS[concept]
    assert row.does.endswith((".", ")."))
    assert row.shown
    for file, names in row.shown.items():
        assert names
        assert set(names) <= _tests_of(file), file


def test_a_node_and_an_enclave_of_the_toolkit_are_the_same_thing() -> None:
    assert isinstance(NODE, BoundaryProtocol)
    assert isinstance(protocol_of(enclave()), BoundaryProtocol)
    assert issubclass(ProcessLink, EnclaveProcess)
    assert isinstance(enclave_process("x", INTERFACE), EnclaveProcess)
    assert issubclass(InProcessLink, InProcess)
