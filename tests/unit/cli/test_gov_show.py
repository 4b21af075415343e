"""Proposals in a list: what others chose is marked, and marked once."""

import pytest

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.cli.gov_show import print_summaries
from ccfpy.client.review.characters import inline
from ccfpy.client.review.proposal import Summary
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

MEMBER = MemberId("ab" * 32)


def test_what_others_chose_is_marked_once(capsys: pytest.CaptureFixture[str]) -> None:
    found = Summary(
        proposal_id=ProposalId("cd" * 32),
        info=ProposalInfo(proposer_id=MEMBER, state=ProposalState.OPEN),
        actions=("set_user", inline("s\u0435t_user")),
        title=inline("gr\u00fc\u00dfe an \u0430dmin\x1b[31m"),
        sides={},
        created_at=None,
    )
    print_summaries([found], {MEMBER: "b\x1bob"})
    assert capsys.readouterr().out == (
        f"{'cd' * 32} Open by b\u27e6U+001B\u27e7ob: "
        "set_user, \u2985s\u27e6U+0435\u27e7t_user\u2986 "
        "(gr\u00fc\u00dfe an \u27e6U+0430\u27e7dmin\u27e6U+001B\u27e7[31m)\n"
    )
