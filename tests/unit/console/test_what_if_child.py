"""What the process that runs proposals answers."""

import pickle

import orjson

from ccfpy.console.what_if_child import answer, warm
from tests.unit.client.review.made import ADDS_USER, PROPOSAL, public_state


def _asked(proposal_id: str) -> object:
    state = public_state(ADDS_USER)
    question = pickle.dumps((state.rows(), (), False, proposal_id, {}, ""))
    return orjson.loads(answer(question))


def test_a_question_is_answered_with_a_description() -> None:
    description = _asked(PROPOSAL)
    assert isinstance(description, dict)
    assert description["title"].startswith(f"Proposal {PROPOSAL}: ")


def test_a_mistake_is_answered_with_a_sentence() -> None:
    assert _asked("ab" * 32) == f"the service has no proposal {'ab' * 32}"


def test_all_that_is_loaded_late_is_loaded_beforehand() -> None:
    warm()
