"""The mistakes that CCF once made; each must be killed.

Numbers are those of CCF's issues and changes, where the mistake was found or corrected.
"""

from ccfpy.consensus import configurations, elections, following, leading, transitions
from tests.lab.cluster.mutants.mutant import Edit, Mutant

HISTORIC = (
    Mutant(
        name="early entries truncate",
        reason="#5927: a message that begins early drops what follows it.",
        edits=(
            Edit(
                module=following,
                function="_first_new",
                before="if log.view_of(seqno) != message.last.view:",
                after="if state.is_new_follower or "
                "log.view_of(seqno) != message.last.view:",
            ),
        ),
    ),
    Mutant(
        name="refusal moves match",
        reason="#5324: a refusal sets what is known to match.",
        edits=(
            Edit(
                module=leading,
                function="_try_again",
                before="peer.go_back(max(min(match, peer.sent), peer.matched))",
                after="peer.sent = peer.began = peer.matched = match",
            ),
        ),
    ),
    Mutant(
        name="answer with own end",
        reason="#6001: an acknowledgement names the end of the backup's log.",
        edits=(
            Edit(
                module=following,
                function="_finish",
                before="TxId(state.view, last)",
                after="TxId(state.view, state.log.last_seqno)",
            ),
        ),
    ),
    Mutant(
        name="latest configuration only",
        reason="#3837: majorities are counted in the newest configuration alone.",
        edits=(
            Edit(
                module=configurations,
                function="Configurations.node_sets",
                before="for configuration in self._active",
                after="for configuration in list(self._active)[-1:]",
            ),
        ),
    ),
    Mutant(
        name="commit of an older view",
        reason="#3828: an entry of an earlier view is committed by count.",
        edits=(
            Edit(
                module=leading,
                function="advance_commit",
                before="to is not None and log.view_of(to) == state.view",
                after="to is not None",
            ),
        ),
    ),
    Mutant(
        name="new leader keeps its tail",
        reason="A new leader keeps what no signature covers.",
        edits=(
            Edit(
                module=elections,
                function="become_leader",
                before="if log.commit_seqno > 0:",
                after="if False:",
            ),
        ),
    ),
    Mutant(
        name="same view clears the vote",
        reason="#8094: giving way within a view forgets the vote in it.",
        edits=(
            Edit(
                module=transitions,
                function="become_aware_of_view",
                before="if view != state.view:",
                after="if True:",
            ),
        ),
    ),
    Mutant(
        name="abandoned pre-vote clears the vote",
        reason="#8094: so does leaving a pre-vote: two nodes may then lead one view.",
        edits=(
            Edit(
                module=transitions,
                function="abandon_pre_vote",
                before="state.votes.clear()",
                after="state.votes.clear(); state.voted_for = None",
            ),
        ),
    ),
    Mutant(
        name="commit beyond the message",
        reason="#8172: a backup commits what its leader did, verified or not.",
        edits=(
            Edit(
                module=following,
                function="_finish",
                before="min(offer.message.leader_commit, last)",
                after="offer.message.leader_commit",
            ),
        ),
    ),
    Mutant(
        name="campaign without a configuration",
        reason="#4806: a node that knows nobody elects itself.",
        edits=(
            Edit(
                module=elections,
                function="start_pre_vote",
                before="if not len(state.configurations):",
                after="if False:",
            ),
            Edit(
                module=elections,
                function="campaign",
                before="if not len(state.configurations):",
                after="if False:",
            ),
        ),
    ),
    Mutant(
        name="majority of any hears",
        reason="#7375: a leader stays while a majority of any configuration answers.",
        edits=(
            Edit(
                module=leading,
                function="tick",
                before="if not is_quorum_of_each(heard, "
                "state.configurations.node_sets):",
                after="if not any(is_quorum_of_each(heard, [nodes]) "
                "for nodes in state.configurations.node_sets):",
            ),
        ),
    ),
    Mutant(
        name="majority of any elects",
        reason="#7375: votes of a majority of any configuration are enough.",
        edits=(
            Edit(
                module=elections,
                function="_count_vote",
                before="if is_quorum_of_each(state.votes, "
                "state.configurations.node_sets):",
                after="if any(is_quorum_of_each(state.votes, [nodes]) "
                "for nodes in state.configurations.node_sets):",
            ),
        ),
    ),
    Mutant(
        name="new view drops what is signed",
        reason="#5749: hearing of a new view drops all that is not committed.",
        edits=(
            Edit(
                module=transitions,
                function="become_follower",
                before="state.log.last_committable.seqno",
                after="state.log.commit_seqno",
            ),
        ),
    ),
    Mutant(
        name="refusal names the own end",
        reason="#2803: a refusal says where the backup's log ends, not where it fits.",
        edits=(
            Edit(
                module=following,
                function="_refuse",
                before="if rejected is None:",
                after="if True:",
            ),
        ),
    ),
)
"""The list that must be killed."""
