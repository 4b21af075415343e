"""The seed that kills each mutant, and what it violates: found by search, kept here.

A change of the simulation, or of consensus, moves them: ``make mutants`` finds them
anew, and says which differ.
"""

KILLS: dict[str, tuple[int, str]] = {
    "early entries truncate": (109, "QuorumLogInv"),
    "refusal moves match": (6, "MonotonicMatchIndexProp"),
    "answer with own end": (72, "MatchHeld"),
    "latest configuration only": (3, "ReplicationInv"),
    "commit of an older view": (1, "NeverCommitEntryPrevTermsProp"),
    "new leader keeps its tail": (0, "MonoLogInv"),
    "same view clears the vote": (350, "VoteOnce"),
    "commit beyond the message": (6, "CommitVerified"),
    "campaign without a configuration": (0, "LeaderCompletenessInv"),
    "majority of any hears": (0, "CheckQuorum"),
    "majority of any elects": (3, "MoreThanOneLeaderInv"),
    "new view drops what is signed": (6, "QuorumLogInv"),
    "refusal names the own end": (11, "Progress"),
    "vote again": (1, "VoteOnce"),
    "vote for any log": (2, "LeaderCompletenessInv"),
    "vote by seqno": (108, "LeaderCompletenessInv"),
    "half is a majority": (1, "MoreThanOneLeaderInv"),
    "stale acknowledgement": (1110, "MatchHeld"),
    "no previous check": (11, "LogMatchingInv"),
    "commit what is unsigned": (0, "SignatureInv"),
    "refusal skips no views": (11, "Progress"),
    "poll drops the tail": (9, "Progress"),
    "leader never steps down": (0, "CheckQuorum"),
    "configuration survives rollback": (0, "LogConfigurationConsistentInv"),
}
