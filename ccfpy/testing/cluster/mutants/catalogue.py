"""The mistakes: those that CCF once made, and some that are easily made.

Numbers are those of CCF's issues and changes, where the mistake was found or mended.
"""

from ccfpy.consensus import (
    configurations,
    elections,
    following,
    leading,
    log,
    quorum,
    retirement,
    transitions,
)
from ccfpy.testing.cluster.mutants.mutant import Edit, Mutant

HISTORIC = (
    Mutant(
        name="early entries truncate",
        reason="#5927: a message that begins early drops what follows it.",
        edits=(
            Edit(
                module=following,
                function="_first_new",
                before="if log.view_of(seqno) != message.last.view:",
                after="if replica.is_new_follower or "
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
                before="TxId(replica.view, last)",
                after="TxId(replica.view, replica.log.last_seqno)",
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
                before="to is not None and log.view_of(to) == replica.view",
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
                before="if view != replica.view:",
                after="if True:",
            ),
        ),
    ),
    Mutant(
        name="given-up poll clears the vote",
        reason="#8094: so does giving up a poll, by which two nodes may lead one view.",
        edits=(
            Edit(
                module=transitions,
                function="give_up_poll",
                before="replica.votes.clear()",
                after="replica.votes.clear(); replica.voted_for = None",
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
                function="poll",
                before="if not len(replica.configurations):",
                after="if False:",
            ),
            Edit(
                module=elections,
                function="campaign",
                before="if not len(replica.configurations):",
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
                "replica.configurations.node_sets):",
                after="if not any(is_quorum_of_each(heard, [nodes]) "
                "for nodes in replica.configurations.node_sets):",
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
                before="if is_quorum_of_each(replica.votes, "
                "replica.configurations.node_sets):",
                after="if any(is_quorum_of_each(replica.votes, [nodes]) "
                "for nodes in replica.configurations.node_sets):",
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
                before="replica.log.last_committable.seqno",
                after="replica.log.commit_seqno",
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

OTHERS = (
    Mutant(
        name="vote again",
        reason="A node votes for whoever asks.",
        edits=(
            Edit(
                module=elections,
                function="_is_free_to_vote",
                before="replica.voted_for in (None, candidate)",
                after="True",
            ),
        ),
    ),
    Mutant(
        name="vote for any log",
        reason="A vote does not look at the candidate's log.",
        edits=(
            Edit(
                module=elections,
                function="receive_request_vote",
                before="message.last >= replica.log.last_committable",
                after="True",
            ),
        ),
    ),
    Mutant(
        name="vote by seqno",
        reason="A vote looks at the length of the signed log, not at its view.",
        edits=(
            Edit(
                module=elections,
                function="receive_request_vote",
                before="message.last >= replica.log.last_committable",
                after="message.last.seqno >= replica.log.last_committable.seqno",
            ),
        ),
    ),
    Mutant(
        name="half is a majority",
        reason="Half of the nodes decide.",
        edits=(
            Edit(
                module=quorum,
                function="quorum_size",
                before="nodes // 2 + 1",
                after="(nodes + 1) // 2",
            ),
        ),
    ),
    Mutant(
        name="stale acknowledgement",
        reason="#5991: an acknowledgement of an older view counts.",
        edits=(
            Edit(
                module=leading,
                function="receive_response",
                before="elif position.view == replica.view and (",
                after="elif (",
            ),
        ),
    ),
    Mutant(
        name="no previous check",
        reason="Entries are taken whatever comes before them.",
        edits=(
            Edit(
                module=following,
                function="_follow",
                before="if view != message.previous.view or "
                "message.previous.seqno > log.last_seqno:",
                after="if message.previous.seqno > log.last_seqno:",
            ),
        ),
    ),
    Mutant(
        name="commit what is unsigned",
        reason="A leader's commit need not be a signature.",
        edits=(
            Edit(
                module=log,
                function="Log.committable_up_to",
                before="return next(",
                after="return seqno or next(",
            ),
        ),
    ),
    Mutant(
        name="refusal skips no views",
        reason="A leader goes back from a refusal without comparing views.",
        edits=(
            Edit(
                module=log,
                function="Log.best_match",
                before="while view > other.view:",
                after="while False:",
            ),
        ),
    ),
    Mutant(
        name="poll drops the tail",
        reason="A poll that is given up drops what is unsigned, acknowledged or not.",
        edits=(
            Edit(
                module=transitions,
                function="give_up_poll",
                before="replica.votes.clear()",
                after="replica.votes.clear(); "
                "rollback(replica, replica.log.last_committable.seqno)",
            ),
        ),
    ),
    Mutant(
        name="leader never steps down",
        reason="#3865: a leader that nobody answers goes on.",
        edits=(
            Edit(
                module=leading,
                function="tick",
                before="if not is_quorum_of_each(heard, "
                "replica.configurations.node_sets):",
                after="if False:",
            ),
        ),
    ),
    Mutant(
        name="configuration survives rollback",
        reason="A configuration that is rolled back still counts.",
        edits=(
            Edit(
                module=configurations,
                function="Configurations.rollback",
                before="self._active[-1].seqno > to",
                after="self._active[-1].seqno > to + 1",
            ),
        ),
    ),
    Mutant(
        name="matches of an earlier view",
        reason="A node that leads again goes on from what once matched.",
        edits=(
            Edit(
                module=elections,
                function="become_leader",
                before="peer.matched = 0",
                after="pass",
            ),
        ),
    ),
    Mutant(
        name="the retired campaign",
        reason="#5973: a node whose retirement is final stands for election.",
        edits=(
            Edit(
                module=elections,
                function="tick_without_leadership",
                before="and not replica.retirement.is_final",
                after="",
            ),
        ),
    ),
    Mutant(
        name="any commit completes a retirement",
        reason="A retirement is complete before the signature over it is committed.",
        edits=(
            Edit(
                module=retirement,
                function="Retirement.commit",
                before="if to >= self.signed_at:",
                after="if True:",
            ),
        ),
    ),
    Mutant(
        name="retirement survives rollback",
        reason="A removal that is rolled back still retires.",
        edits=(
            Edit(
                module=retirement,
                function="Retirement.rollback",
                before="if self.ordered_at > to:",
                after="if False:",
            ),
        ),
    ),
    Mutant(
        name="entries of an older leader",
        reason="A leader of an older view is followed.",
        edits=(
            Edit(
                module=following,
                function="receive_append_entries",
                before="if message.view < replica.view:",
                after="if message.view < replica.view - 1:",
            ),
        ),
    ),
    Mutant(
        name="former candidate keeps its branch",
        reason="A candidate that polls and then follows cannot drop what conflicts.",
        edits=(
            Edit(
                module=elections,
                function="campaign",
                before="replica.is_new_follower = True",
                after="pass",
            ),
        ),
    ),
)
"""More of the kind; each is killed too."""

MUTANTS = HISTORIC + OTHERS
