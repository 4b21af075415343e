"""The loops that a host may run in: the fast one where there is it, or the standard."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.host import waiting


def _loops() -> dict[str, waiting.LoopFactory]:
    found: dict[str, waiting.LoopFactory] = {"asyncio": asyncio.new_event_loop}
    try:
        import uvloop  # noqa: PLC0415  # optional: absent on Windows
    except ImportError:
        return found
    return found | {"uvloop": uvloop.new_event_loop}


@pytest.fixture(params=_loops())
def each_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run ``waiting.run`` on each loop in turn."""
    waiting.Running.factory = staticmethod(_loops()[request.param])
    yield
    waiting.Running.factory = staticmethod(asyncio.new_event_loop)
