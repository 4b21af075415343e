"""Mistakes that none of CCF's own scenarios finds: a scenario here finds each of
them."""

from pathlib import Path

import pytest

from tests.lab import scenario
from tests.lab.cluster.mutants.catalogue import MUTANTS

FOLDER = Path(__file__).parent / "consensus"
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
STORIES = {
    "new leader keeps its tail": "new_leader_drops_what_is_unsigned",
    "same view clears the vote": "former_candidate_keeps_its_vote",
    "abandoned pre-vote clears the vote": "former_voter_keeps_its_vote",
    "commit beyond the message": "commit_only_what_was_verified",
    "campaign without a configuration": "nobody_elects_itself",
    "vote by seqno": "longer_is_not_newer",
    "stale acknowledgement": "acknowledgement_of_another_time",
    "pre-vote drops the tail": "pre_vote_loses_nothing",
    "former candidate keeps its branch": "former_candidate_pre_votes_and_follows",
    "snapshot without a commit": "joins_by_snapshot_and_leads",
    "snapshot without configurations": "joins_by_snapshot_and_leads",
    "snapshot without view starts": "joins_by_snapshot_and_leads",
    "snapshot without a view": "joins_by_snapshot_and_leads",
    "peer survives rollback": "a_change_that_is_taken_back",
    "removed with its trust": "trusted_and_removed_at_once",
    "refused entries are acknowledged": "what_is_refused_is_sent_again",
    "part of what was offered is acknowledged": "what_is_refused_is_sent_again",
    "refused entries stay in the log": "what_is_refused_is_sent_again",
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_finds_the_mistake(name: str) -> None:
    story = (FOLDER / f"{STORIES[name]}.txt").read_text()
    with BY_NAME[name].applied(), pytest.raises(scenario.ScenarioFailed):
        scenario.run(story)
    scenario.run(story)


def test_each_rare_mistake_has_a_story() -> None:
    assert {mutant.name for mutant in MUTANTS if mutant.is_rare} <= STORIES.keys()
