"""A proposal that is shown is run apart, and not for long."""

import asyncio
from functools import partial
from typing import cast

import pytest

from ccfpy.cli.gov_proposals import described
from ccfpy.client.connection import Connection
from ccfpy.client.review import public_state as reading
from ccfpy.console import what_if
from tests.unit.client.review.made import ADDS_USER, PROPOSAL, public_state

NEVER = """\
export function validate () { return { valid: true } }
export function resolve () { while (true) {} }
export function apply () {}
"""


@pytest.mark.slow
def test_a_proposal_that_never_ends_holds_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def read(_connection: Connection) -> reading.PublicState:
        return public_state(ADDS_USER, rules=NEVER)

    monkeypatch.setattr(reading, "read_public_state", read)
    monkeypatch.setattr(what_if, "WhatIf", partial(what_if.WhatIf, timeout_s=0.5))
    nobody = cast("Connection", None)  # the id is whole: nothing is asked for it
    told = asyncio.run(described(nobody, PROPOSAL, {}))
    facts = [fact for section in told.sections for fact in section.facts]
    (reason,) = (fact for fact in facts if fact.label == "not found out")
    assert "took longer than 0.5 s" in reason.quotes[0].text
    assert not told.outcome
