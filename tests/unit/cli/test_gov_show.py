"""Proposals in a list: what others chose is marked once, and what was run is told."""

from dataclasses import replace

import pytest

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.cli.gov_show import print_definitions, print_summaries
from ccfpy.client.review.characters import inline
from ccfpy.client.review.dry_run import Argument, Definition
from ccfpy.client.review.proposal import Summary
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

MEMBER = MemberId("ab" * 32)

FOUND = Summary(
    proposal_id=ProposalId("cd" * 32),
    info=ProposalInfo(proposer_id=MEMBER, state=ProposalState.OPEN),
    actions=("set_user", inline("s\u0435t_user")),
    title=inline("gr\u00fc\u00dfe an \u0430dmin\x1b[31m"),
    sides={},
    created_at=None,
)


def test_what_others_chose_is_marked_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_summaries([FOUND], {}, {MEMBER: "b\x1bob"})
    assert capsys.readouterr().out == (
        f"{'cd' * 32} Open by b\u27e6U+001B\u27e7ob: "
        "set_user, \u2985s\u27e6U+0435\u27e7t_user\u2986 "
        "(gr\u00fc\u00dfe an \u27e6U+0430\u27e7dmin\u27e6U+001B\u27e7[31m), not run\n"
    )


def test_what_was_run_has_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    closed = replace(
        FOUND,
        proposal_id=ProposalId("ef" * 32),
        info=replace(FOUND.info, state=ProposalState.ACCEPTED),
    )
    print_summaries([FOUND, closed], {"cd" * 32: "The worst"}, {})
    one, other = capsys.readouterr().out.splitlines()
    assert one.endswith(" (The worst)")
    assert other.endswith("[31m)")


def test_names_are_marked_once(capsys: pytest.CaptureFixture[str]) -> None:
    argument = Argument(name=inline("\u0430ge"), wanted="integer", is_required=False)
    print_definitions([Definition(name=inline("s\u0435t_user"), arguments=(argument,))])
    assert capsys.readouterr().out == (
        "s\u27e6U+0435\u27e7t_user\n    [\u27e6U+0430\u27e7ge]: integer\n"
    )
