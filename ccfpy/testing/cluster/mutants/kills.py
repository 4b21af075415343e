"""The seed that kills each mutant, and what it violates: found by search, kept here.

A change of the simulation, or of consensus, moves them: ``make mutants`` finds them
anew, and says which differ.
"""

KILLS: dict[str, tuple[int, str]] = {
    "early entries truncate": (8, "ReplicationInv"),
    "refusal moves match": (22, "MatchHeld"),
    "answer with own end": (130, "MatchHeld"),
    "latest configuration only": (10, "ReplicationInv"),
    "commit of an older view": (1, "NeverCommitEntryPrevTermsProp"),
    "new leader keeps its tail": (1, "MonoLogInv"),
    "same view clears the vote": (1399, "VoteOnce"),
    "given-up poll clears the vote": (242, "VoteOnce"),
    "commit beyond the message": (22, "CommitVerified"),
    "campaign without a configuration": (0, "MoreThanOneLeaderInv"),
    "majority of any hears": (6, "CheckQuorum"),
    "majority of any elects": (20, "MoreThanOneLeaderInv"),
    "new view drops what is signed": (1, "QuorumLogInv"),
    "refusal names the own end": (28, "Progress"),
    "vote again": (1, "VoteOnce"),
    "vote for any log": (1, "LeaderCompletenessInv"),
    "vote by seqno": (103, "LeaderCompletenessInv"),
    "half is a majority": (61, "Progress"),
    "stale acknowledgement": (726, "MatchHeld"),
    "no previous check": (22, "LogMatchingInv"),
    "commit what is unsigned": (0, "SignatureInv"),
    "refusal skips no views": (28, "Progress"),
    "poll drops the tail": (16, "Progress"),
    "leader never steps down": (3, "CheckQuorum"),
    "configuration survives rollback": (1, "LogConfigurationConsistentInv"),
    "matches of an earlier view": (4, "MatchHeld"),
    "the retired campaign": (55, "MembershipStateConsistentInv"),
    "any commit completes a retirement": (16, "MembershipStateConsistentInv"),
    "retirement survives rollback": (1, "MembershipStateConsistentInv"),
    "entries of an older leader": (1, "MonotonicTermProp"),
    "former candidate keeps its branch": (16459, "Progress"),
}
