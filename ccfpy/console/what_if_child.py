"""``python -m ccfpy.console.what_if_child``: runs proposals for a console, isolated.

The process gives up everything but its two pipes before it reads a question. A
question is the tables of a service and a proposal's id. The answer is a description, or
why there is none.
"""

import os
import pickle
import sys

import orjson

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.base.json import dumps
from ccfpy.client.review.proposal import describe
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.what_if import FrameEnded, read_frame, write_frame
from ccfpy.enclave.isolation import confine, isolate
from ccfpy.http.errors import ApiError
from ccfpy.kv.store import Store
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo
from ccfpy.service.tables.service import CONSTITUTION
from ccfpy.toolkit.enclave.program import Limits, impose

QUESTION_BYTES_MAX = 1 << 32
WARMING = """\
export function validate () { return { valid: true } }
export function resolve () { return "Open" }
export function apply () {}
"""
"""A constitution that makes the engine load what it needs."""


def main() -> None:
    """Answer questions until there are no more."""
    parent, memory_bytes_max, niceness = map(int, sys.argv[1:])
    os.nice(niceness)
    isolate(parent=parent)
    asking, answering = os.dup(0), os.dup(1)
    with open(asking, "rb") as questions, open(answering, "wb") as answers:  # noqa: PTH123  # descriptors
        warm()
        impose(Limits(memory_bytes_max=memory_bytes_max, call_cpu_ms_max=None))
        confine(known=(asking, answering))
        write_frame(answers, b"")
        while True:
            try:
                question = read_frame(questions, QUESTION_BYTES_MAX)
            except FrameEnded:
                return
            write_frame(answers, answer(question))


def answer(question: bytes) -> bytes:
    """Return the description that a question asks for, or why there is none."""
    rows, not_served, has_moved, proposal_id, names, shown = pickle.loads(question)  # noqa: S301  # of the console, which started this process
    state = PublicState.of(rows, not_served=not_served, has_moved=has_moved)
    try:
        return orjson.dumps(
            describe(state, ProposalId(proposal_id), names, shown=shown)
        )
    except (CcfpyError, ApiError) as error:
        return orjson.dumps(str(error))


def warm() -> None:
    """Describe a proposal, for all that is loaded then."""
    store = Store()
    tx = store.begin()
    CONSTITUTION.of(tx).put(WARMING)
    proposal_id, member_id = ProposalId("0" * 64), MemberId("0" * 64)
    body = dumps({"actions": [{"name": "set_constitution", "args": {}}]})
    ballots = {member_id: "export function vote () { return true }"}
    info = ProposalInfo(proposer_id=member_id, ballots=ballots)
    proposals.PROPOSALS.of(tx).put(proposal_id, body)
    proposals.INFO.of(tx).put(proposal_id, info)
    store.apply(1, tx.writes)
    describe(PublicState(store=store, not_served=()), proposal_id, {})


if __name__ == "__main__":
    main()
