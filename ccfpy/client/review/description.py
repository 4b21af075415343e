"""What is shown to people: a title, sections with facts, and diffs.

A description is data, and knows no medium. A terminal prints it as text; a page gets it
as JSON (``as_json``), whose schema is that of the dataclasses (``ccfpy.base.schema``).
What a medium leaves out at first is marked, and never missing: long diffs are folded,
things that stay as they are have no lines, and a shortened value is there as a whole.

Texts come from proposals. They are here as `characters` shows them: a text cannot move
the cursor, hide a part of itself or turn its direction around.

Two outcomes of one proposal, read at two times, are compared here, and as
``console/src/outcome.ts`` compares them on a page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from ccfpy.base.schema import schema_of
from ccfpy.client.review.differences import compared, laid_out

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


UNFOLDED_LINES_MAX = 40
"""A diff of more lines is folded."""


class Topic(StrEnum):
    """What a section is about, for media that arrange sections themselves."""

    SUMMARY = "summary"
    ACTIONS = "actions"
    VOTES = "votes"
    OUTCOME = "outcome"
    DECISION = "decision"
    UNKNOWN = "unknown"


class Severity(IntEnum):
    """How much is at stake; the worst is the highest."""

    ROUTINE = 0
    NOTABLE = 1
    SERIOUS = 2
    UNKNOWN = 3
    """Nothing is known here of what it does, which may be anything."""
    GRAVE = 4


class Change(StrEnum):
    """What happens to a thing."""

    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What somebody else says, which is never a part of what is said here.

    Attributes:
        by: who says it, in our own words.
        text: may have several lines.
    """

    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a section.

    Attributes:
        label: what the text is of.
        text: may have several lines.
        depth: how far the fact is indented: 0 for the section's own facts.
        whole: the value that ``text`` shortens or decodes; empty if ``text`` is whole.
        is_warning: what a reader must not miss.
        is_unknown: of an action or an argument that nothing is known of here, so that
            the value alone can be shown.
        is_folded: what other parts of the description account for, so that the text
            may be shown on request.
        severity: of a warning: the worst is read first.
        headline: of a warning: what a title says of it; empty if titles do not.
        quotes: what others say of it.
        module: the installed module that answers at that endpoint today.
    """

    label: str
    text: str = ""
    depth: int = 0
    whole: str = ""
    is_warning: bool = False
    is_unknown: bool = False
    is_folded: bool = False
    severity: int = Severity.ROUTINE
    headline: str = ""
    quotes: tuple[Quote, ...] = ()
    module: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A thing before and after.

    Attributes:
        subject: what changes.
        change: how.
        lines: as ``diff -u`` has them, each beginning with ``+``, ``-``, ``@`` or a
            space.
        added: how many of them begin with ``+``.
        removed: how many of them begin with ``-``.
        is_folded: the lines are many, and may be shown on request.
        kind: what kind of thing changes; empty if that is not told.
        laid_out: the same of programs with long lines, as ccfpy lays them out to be
            read; empty for others.
        alike: the same for modules in which the same lines change, byte for byte;
            empty for others.
    """

    subject: str
    change: Change
    lines: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    is_folded: bool = False
    kind: str = ""
    laid_out: tuple[str, ...] = ()
    alike: str = ""

    @property
    def title(self) -> str:
        """What changes, and how."""
        return f"{self.subject}: {self.change.value}"

    @classmethod
    def of(
        cls,
        subject: str,
        before: str | None,
        after: str | None,
        *,
        may_fold: bool = True,
        is_file: bool = False,
    ) -> "Diff":
        """Compare two texts; ``None`` is a thing that is not there.

        Args:
            subject: what changes.
            before: the text as it is.
            after: the text as it would be.
            may_fold: whether a long diff is folded.
            is_file: whether the texts are files: programs, whose last line ends too.
        """
        if before == after:
            return cls(subject=subject, change=Change.UNCHANGED)
        change = Change.CHANGED
        if before is None:
            change = Change.NEW
        elif after is None:
            change = Change.REMOVED
        texts = before or "", after or ""
        found, added, removed = compared(*texts, is_file=is_file)
        return cls(
            subject=subject,
            change=change,
            lines=found,
            added=added,
            removed=removed,
            is_folded=may_fold and len(found) > UNFOLDED_LINES_MAX,
            laid_out=laid_out(*texts) if is_file else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a description."""

    topic: Topic
    title: str
    facts: tuple[Fact, ...] = ()
    diffs: tuple[Diff, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What a ballot says."""

    member_id: str
    in_favour: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A thing described for people.

    Attributes:
        votes: of a proposal, what the ballots say, as far as that is known.
        outcome: what would come of a proposal, by its name (`dry_run.Outcome`); empty
            if that is not known.
        digest: the SHA-256 of a proposal's text, in hex.
    """

    title: str
    sections: tuple[Section, ...]
    votes: tuple[Vote, ...] = ()
    outcome: str = ""
    digest: str = ""


def warnings(description: Description) -> list[Fact]:
    """Return what a reader must not miss, the worst first."""
    facts = (fact for section in description.sections for fact in section.facts)
    return sorted(
        (fact for fact in facts if fact.is_warning), key=lambda fact: -fact.severity
    )


_SCHEMA: Final = schema_of(Description)


def as_json(description: Description) -> "JsonObject":
    """Return a description as JSON; fields that have their default are left out."""
    assert _SCHEMA.write is not None, "a dataclass is written field by field"
    written = _SCHEMA.write(description)
    assert isinstance(written, dict), "a dataclass becomes an object"
    return written


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
