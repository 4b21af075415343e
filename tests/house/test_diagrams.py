"""The documents' state diagrams are the code's tables."""

import re
from collections.abc import Mapping
from enum import StrEnum

import pytest

from ccfpy.node import lifecycle as node
from ccfpy.node.channels import channel
from ccfpy.service import opening as service
from tests.house.tree import ROOT

_EDGE = re.compile(r"^ +(\w+) --> (\w+)", re.MULTILINE)
_DIAGRAM = re.compile(r"^stateDiagram-v2\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("moves", [node.MOVES, service.MOVES, channel.MOVES])
def test_the_architecture_page_draws_the_table(
    moves: Mapping[StrEnum, frozenset[StrEnum]],
) -> None:
    edges = {(str(a), str(b)) for a, following in moves.items() for b in following}
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()
    drawn = [set(_EDGE.findall(body)) for body in _DIAGRAM.findall(page)]
    assert edges in drawn
