"""The seed that kills each mutant, and what it violates: found by search, kept here.

A change of the simulation, or of consensus, moves them: ``make mutants`` finds them
anew, and says which differ.
"""

KILLS: dict[str, tuple[int, str]] = {
    "early entries truncate": (8, "MatchHeld"),
    "refusal moves match": (0, "MonotonicMatchIndexProp"),
    "answer with own end": (90, "MatchHeld"),
    "latest configuration only": (0, "ReplicationInv"),
    "commit of an older view": (0, "NeverCommitEntryPrevTermsProp"),
    "new leader keeps its tail": (0, "MonoLogInv"),
    "same view clears the vote": (507, "VoteOnce"),
    "given-up poll clears the vote": (242, "VoteOnce"),
    "commit beyond the message": (75, "CommitVerified"),
    "campaign without a configuration": (0, "MoreThanOneLeaderInv"),
    "majority of any hears": (6, "CheckQuorum"),
    "majority of any elects": (32, "MoreThanOneLeaderInv"),
    "new view drops what is signed": (0, "QuorumLogInv"),
    "refusal names the own end": (28, "Progress"),
    "vote again": (0, "VoteOnce"),
    "vote for any log": (1, "LeaderCompletenessInv"),
    "vote by seqno": (195, "LeaderCompletenessInv"),
    "half is a majority": (11, "Progress"),
    "stale acknowledgement": (629, "MatchHeld"),
    "no previous check": (0, "MatchHeld"),
    "commit what is unsigned": (0, "SignatureInv"),
    "refusal skips no views": (28, "Progress"),
    "poll drops the tail": (132, "MatchHeld"),
    "leader never steps down": (0, "CheckQuorum"),
    "configuration survives rollback": (0, "LogConfigurationConsistentInv"),
    "matches of an earlier view": (11, "MatchHeld"),
    "the retired campaign": (78, "MembershipStateConsistentInv"),
    "any commit completes a retirement": (0, "MembershipStateConsistentInv"),
    "retirement survives rollback": (1, "MembershipStateConsistentInv"),
    "entries of an older leader": (0, "MonotonicTermProp"),
    "former candidate keeps its branch": (11346, "Progress"),
}
