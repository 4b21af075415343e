"""The seed that kills each mutant, and what it violates: found by search, kept here.

A change of the simulation, or of consensus, moves them: ``make mutants`` finds them
anew, and says which differ.
"""

KILLS: dict[str, tuple[int, str]] = {
    "early entries truncate": (210, "QuorumLogInv"),
    "refusal moves match": (5, "MatchHeld"),
    "answer with own end": (28, "MatchHeld"),
    "latest configuration only": (4, "ReplicationInv"),
    "commit of an older view": (1, "NeverCommitEntryPrevTermsProp"),
    "new leader keeps its tail": (2, "MonoLogInv"),
    "same view clears the vote": (94, "VoteOnce"),
    "given-up poll clears the vote": (149, "VoteOnce"),
    "commit beyond the message": (269, "CommitVerified"),
    "campaign without a configuration": (2, "LeaderCompletenessInv"),
    "majority of any hears": (0, "CheckQuorum"),
    "majority of any elects": (56, "MoreThanOneLeaderInv"),
    "new view drops what is signed": (1, "QuorumLogInv"),
    "refusal names the own end": (4, "Progress"),
    "vote again": (1, "VoteOnce"),
    "vote for any log": (5, "LeaderCompletenessInv"),
    "vote by seqno": (31, "LeaderCompletenessInv"),
    "half is a majority": (11, "Progress"),
    "stale acknowledgement": (66, "MatchHeld"),
    "no previous check": (4, "MatchHeld"),
    "commit what is unsigned": (0, "SignatureInv"),
    "refusal skips no views": (4, "Progress"),
    "poll drops the tail": (9, "Progress"),
    "leader never steps down": (0, "CheckQuorum"),
    "configuration survives rollback": (0, "LogConfigurationConsistentInv"),
    "matches of an earlier view": (0, "MatchHeld"),
    "the retired campaign": (36, "MembershipStateConsistentInv"),
    "any commit completes a retirement": (7, "MembershipStateConsistentInv"),
    "retirement survives rollback": (1, "MembershipStateConsistentInv"),
    "entries of an older leader": (0, "MonotonicTermProp"),
}
