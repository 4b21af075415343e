"""Mistakes that CCF once made (`historic`), and mistakes that are easily made.

Those here are in consensus; `nodes`, `past` and `hosts` have those in the rest.

Numbers are those of CCF's issues and changes, where the mistake was found or corrected.
"""

from ccfpy.consensus import (
    configurations,
    elections,
    following,
    leading,
    log,
    quorum,
    raft,
    roles,
    transitions,
)
from tests.lab.cluster.mutants.historic import HISTORIC
from tests.lab.cluster.mutants.hosts import HOSTS
from tests.lab.cluster.mutants.mutant import Edit, Mutant
from tests.lab.cluster.mutants.nodes import NODES
from tests.lab.cluster.mutants.past import PAST

OTHERS = (
    Mutant(
        name="vote again",
        reason="A node votes for whoever asks.",
        edits=(
            Edit(
                module=elections,
                function="_is_free_to_vote",
                before="state.voted_for in (None, candidate)",
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
                before="message.last >= state.log.last_committable",
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
                before="message.last >= state.log.last_committable",
                after="message.last.seqno >= state.log.last_committable.seqno",
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
                before="elif position.view == state.view and (",
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
        name="pre-vote drops the tail",
        reason="An abandoned pre-vote drops what is unsigned, acknowledged or not.",
        edits=(
            Edit(
                module=transitions,
                function="abandon_pre_vote",
                before="state.votes.clear()",
                after="state.votes.clear(); "
                "rollback(state, state.log.last_committable.seqno)",
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
                "state.configurations.node_sets):",
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
        name="peer survives rollback",
        reason="The leader sends to a node that only a rolled back change added.",
        edits=(
            Edit(
                module=transitions,
                function="rollback",
                before="state.peers.pop(node, None)",
                after="pass",
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
                before="and not state.retirement.is_final",
                after="",
            ),
        ),
    ),
    Mutant(
        name="any commit completes a retirement",
        reason="A retirement is complete before the signature over it is committed.",
        edits=(
            Edit(
                module=roles,
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
                module=roles,
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
                before="if message.view < state.view:",
                after="if message.view < state.view - 1:",
            ),
        ),
    ),
    Mutant(
        name="former candidate keeps its branch",
        reason="A candidate that pre-votes, then follows cannot drop what conflicts.",
        edits=(
            Edit(
                module=elections,
                function="campaign",
                before="state.is_new_follower = True",
                after="pass",
            ),
        ),
    ),
)
"""Further mistakes; each is killed too."""

JOINING = (
    Mutant(
        name="snapshot without a commit",
        reason="A node that joins by a snapshot takes nothing in it for final.",
        edits=(
            Edit(
                module=raft,
                function="Raft.join",
                before="commit=last.seqno",
                after="commit=0",
            ),
        ),
    ),
    Mutant(
        name="snapshot without configurations",
        reason="A node that joins by a snapshot does not know whose majorities count.",
        edits=(
            Edit(
                module=raft,
                function="Raft.join",
                before="Configurations(configurations)",
                after="Configurations()",
            ),
        ),
    ),
    Mutant(
        name="snapshot without view starts",
        reason="A node that joins by a snapshot does not know which views wrote it.",
        edits=(
            Edit(
                module=raft,
                function="Raft.join",
                before="self._restore(starts, last",
                after="self._restore((), last",
            ),
        ),
    ),
    Mutant(
        name="snapshot without a view",
        reason="A node that joins by a snapshot would follow leaders before its view.",
        edits=(
            Edit(
                module=raft,
                function="Raft.join",
                before="become_aware_of_view(state, last.view)",
                after="become_aware_of_view(state, 0)",
            ),
        ),
    ),
    Mutant(
        name="removed with its trust",
        reason="A node that one signature trusts and removes never campaigns.",
        edits=(
            Edit(
                module=transitions,
                function="note_signature",
                before="in state.configurations.nodes",
                after="in state.configurations.latest",
            ),
        ),
        is_rare=True,  # none of 49,000 seeds
    ),
)
"""Mistakes in joining by a snapshot, which replaces entries that a node did not see."""

REFUSING = (
    Mutant(
        name="refused entries are acknowledged",
        reason="A backup that refused an entry vouches for all of the message.",
        edits=(
            Edit(
                module=following,
                function="accept",
                before="if len(entries) == offer.entry_count:",
                after="if True:",
            ),
        ),
    ),
    Mutant(
        name="part of what was offered is acknowledged",
        reason="A backup that refused all but the first entry vouches for the message.",
        edits=(
            Edit(
                module=following,
                function="accept",
                before="if len(entries) == offer.entry_count:",
                after="if entries:",
            ),
        ),
    ),
    Mutant(
        name="refused entries stay in the log",
        reason="A backup counts entries that it refused.",
        edits=(
            Edit(
                module=following,
                function="accept",
                before="    else:\n",
                after="    else:\n        log.last_seqno = offer.message.last.seqno\n",
            ),
        ),
    ),
    Mutant(
        name="a refusal commits nothing",
        reason="A backup that refused an entry commits nothing of what precedes it.",
        edits=(
            Edit(
                module=following,
                function="accept",
                before="_commit_up_to(state, min(offer.message.leader_commit, "
                "log.last_seqno))",
                after="pass",
            ),
        ),
    ),
)
"""Mistakes in refusing entries: a backup vouches for what it verified and applied."""

MUTANTS = HISTORIC + OTHERS + JOINING + REFUSING
"""Mistakes in consensus, each of which a seed of consensus alone finds."""

OF_NODES = NODES + PAST + HOSTS
"""Mistakes in nodes and hosts."""

SIMULATED = tuple(mutant for mutant in OF_NODES if not mutant.found_by)
"""Those that whole nodes show: a seed, or the mutant's story."""

NAMED = tuple(mutant for mutant in OF_NODES if mutant.found_by)
"""Those that a test finds."""

BY_NAME = {mutant.name: mutant for mutant in MUTANTS + OF_NODES}
