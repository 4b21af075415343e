"""Who decides by a constitution: found out by running it over proposals made up here.

A constitution is a program, which may decide otherwise for a proposal that is not tried
here: what is found is a warning, and nothing that is not found is a proof.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.base.json import dumps
from ccfpy.gov import proposals
from ccfpy.gov.proposals import Proposal, read_constitution
from ccfpy.http.errors import ApiError
from ccfpy.js.engine import JsModuleFailed
from ccfpy.service.tables import members
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccfpy.base.json import Json
    from ccfpy.gov.evaluation import Evaluator
    from ccfpy.js.engine import Program

MEMBERS_TRIED_MAX: Final = 8
"""Of active members, in the order of their ids."""
TRIED: "Final[Mapping[str, Json]]" = {
    "set_constitution": {"constitution": "export function resolve () {}"},
    "set_js_app": {"bundle": {"metadata": {"endpoints": {}}, "modules": []}},
    "set_member": {"cert": "", "member_data": {}},
}
"""The actions whose deciders are found out, one proposal each."""
_ID: Final = ProposalId("0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What was found of a constitution.

    Attributes:
        alone: members of whom each decides alone, by action.
        nobody: actions that not even all active members together decide.
        failure: why the constitution decides nothing.
    """

    alone: dict[str, tuple[MemberId, ...]]
    nobody: tuple[str, ...]
    failure: str = ""


def find_rule(evaluator: "Evaluator") -> Rule:
    """Find out who decides, by the constitution and the members of a transaction.

    It stops at the first run that fails: a run may take as long as a script may.
    """
    infos = members.INFO.of(evaluator.tx).items()
    active = sorted(key for key, info in infos if info.status is MemberStatus.ACTIVE)
    alone: dict[str, tuple[MemberId, ...]] = {}
    nobody = []
    try:
        constitution = read_constitution(evaluator.tx, otherwise="there would be none")
        for name in TRIED:
            trial = _Trial(evaluator, constitution, name)
            tried = active[:MEMBERS_TRIED_MAX]
            # One who proposes has not voted: both may be what decides.
            deciding = tuple(each for each in tried if trial.decides(each))
            if deciding:
                alone[name] = deciding
            elif not (
                active and trial.accepted(active[0], dict.fromkeys(active, True))
            ):
                nobody.append(name)
    except (_Failed, JsModuleFailed, ApiError, Malformed) as error:
        return Rule(alone=alone, nobody=tuple(nobody), failure=str(error))
    return Rule(alone=alone, nobody=tuple(nobody))


class _Failed(Exception):
    """The constitution says nothing about a proposal."""


class _Trial:
    def __init__(
        self, evaluator: "Evaluator", constitution: "Program", name: str
    ) -> None:
        self._evaluator, self._constitution = evaluator, constitution
        self._body = dumps({"actions": [{"name": name, "args": TRIED[name]}]})

    def decides(self, member_id: MemberId) -> bool:
        """Return whether a member's proposal passes with the same member's vote."""
        return self.accepted(member_id, {}) or self.accepted(
            member_id, {member_id: True}
        )

    def accepted(self, proposer_id: MemberId, votes: dict[MemberId, bool]) -> bool:
        """Return whether a proposal passes with these votes.

        Raises:
            _Failed: the constitution does not say.
        """
        info = ProposalInfo(proposer_id=proposer_id)
        proposal = Proposal(proposal_id=_ID, body=self._body, info=info)
        told = proposals.decide(self._evaluator, self._constitution, proposal, votes)
        if told.failure is not None:
            raise _Failed(told.failure.reason)
        return told.state is ProposalState.ACCEPTED
