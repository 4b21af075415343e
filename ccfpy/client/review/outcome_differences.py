"""What is different between two outcomes of one proposal, read at two times.

``console/src/outcome.ts`` says the same on a page.
"""

from collections.abc import Iterator

from ccfpy.client.review.description import Description, Diff, Topic


def is_same(one: str, other: str) -> bool:
    """Return whether two names are of one outcome, found out for whatever times."""
    return one.partition(".")[2] == other.partition(".")[2]


def differences(read: Description, now: Description) -> list[str]:
    """Return what is different now, a line for each; nothing if nothing is.

    Votes are no part of an outcome: others may vote while somebody reads.

    Args:
        read: the description that somebody read.
        now: the present one.
    """
    if is_same(read.outcome, now.outcome):
        return []
    lines = [*_facts(read, now), *_diffs(read, now)]
    return lines or ["bytes of which the description shows the same"]


def _facts(read: Description, now: Description) -> Iterator[str]:
    old, new = map(_said, (read, now))
    yield from (f"now said: {each}" for each in new if each not in old)
    yield from (f"no longer said: {each}" for each in old if each not in new)


def _said(told: Description) -> list[str]:
    return [
        f"{fact.label}: {fact.text}"
        for section in told.sections
        if section.topic is Topic.OUTCOME
        for fact in section.facts
    ]


def _diffs(read: Description, now: Description) -> Iterator[str]:
    old, new = map(_by_subject, (read, now))
    for subject in dict.fromkeys([*old, *new]):
        was, is_now = old.get(subject), new.get(subject)
        if was is None and is_now is not None:
            yield f"{subject}: would be {is_now.change}, and was not to be touched"
        elif is_now is None:
            yield f"{subject}: would not be touched any more"
        elif was != is_now:
            yield f"{subject}: would change otherwise than you read"


def _by_subject(told: Description) -> dict[str, Diff]:
    return {diff.subject: diff for section in told.sections for diff in section.diffs}
