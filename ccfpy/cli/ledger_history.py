"""``ccfpy ledger history``: what members decided, and the proof of it."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from ccfpy.audit.readers import in_order
from ccfpy.cli.errors import ExitCode
from ccfpy.cli.ledger_files import (
    FoldersArgument,
    JsonOption,
    ProcessesOption,
    ReadingProgress,
    ledger_chunks,
    reading,
)
from ccfpy.cli.output import note, print_json, print_line
from ccfpy.cli.values import VALUE_CHARACTERS_MAX

if TYPE_CHECKING:
    from ccfpy.audit.governance import Event


SHORT_ID = 12
"""Characters of an id that tell it from others, for people."""


def history(
    folders: FoldersArgument,
    *,
    proposal: Annotated[
        str, typer.Option(help="Only of proposals whose id begins with this.")
    ] = "",
    full: Annotated[
        bool, typer.Option("--full", help="Show ids and ballots to their end.")
    ] = False,
    processes: ProcessesOption = None,
    json: JsonOption = False,
) -> None:
    """Show who proposed, who voted what, and what became of each proposal.

    Each member's signature is checked; one that does not hold exits with 1. The ledger
    itself is not verified.
    """
    from ccfpy.audit.governance import Chronicle, read_governance

    chunks = ledger_chunks(folders)
    first = chunks[0].name.first
    if first != 1:
        note(
            f"the files begin at {first}, without members of before: what they signed "
            "is not proven; add the folder with earlier files"
        )
    size = sum(chunk.size_bytes for chunk in chunks)
    chronicle = Chronicle()
    is_flawed = False
    with (
        reading(size, processes) as readers,
        ReadingProgress("reading", size) as progress,
    ):
        for chunk, found in in_order(readers, read_governance, chunks):
            for txid, write_set in found:
                for event in chronicle.take(txid, write_set):
                    if not _is_asked_for(event, proposal):
                        continue
                    is_flawed |= _flaw(event) is not None
                    with progress.aside():
                        if json:
                            print_json(_as_json(event))
                        else:
                            print_line(_sentence(event, full=full))
            progress.advance(chunk.size_bytes)
    if is_flawed:
        raise typer.Exit(ExitCode.FAILED)


def _is_asked_for(event: "Event", proposal: str) -> bool:
    from ccfpy.audit.governance import Acknowledged, MemberSeen

    if isinstance(event, Acknowledged | MemberSeen):
        return not proposal
    return event.proposal_id.startswith(proposal)


def _flaw(event: "Event") -> str | None:
    from ccfpy.audit.governance import Decided, MemberSeen

    return None if isinstance(event, Decided | MemberSeen) else event.flaw


def _as_json(event: "Event") -> dict[str, object]:
    values = {each.name: getattr(event, each.name) for each in fields(event)}
    return {"event": type(event).__name__, **values, "txid": str(event.txid)}


def _sentence(event: "Event", *, full: bool) -> str:
    from ccfpy.audit.governance import (
        Acknowledged,
        Decided,
        MemberSeen,
        Proposed,
        Voted,
        Withdrawn,
    )

    def short(name: str) -> str:
        return name if full else name[:SHORT_ID]

    match event:
        case Proposed():
            told = (
                f"member {short(event.member_id)} proposed {short(event.proposal_id)}: "
                f"{', '.join(event.actions) or 'nothing'}"
            )
        case Voted():
            told = (
                f"member {short(event.member_id)} voted on "
                f"{short(event.proposal_id)}: {_ballot(event.ballot, full=full)}"
            )
        case Withdrawn():
            told = (
                f"member {short(event.member_id)} withdrew {short(event.proposal_id)}"
            )
        case Decided():
            votes = "".join(
                f", {short(member)} {'for' if vote else 'against'} it"
                for member, vote in event.votes.items()
            )
            failure = "" if event.failure is None else f": {event.failure}"
            told = f"{short(event.proposal_id)} is {event.state}{votes}{failure}"
        case Acknowledged():
            told = f"member {short(event.member_id)} acknowledged the state"
        case MemberSeen():
            told = f"member {short(event.member_id)} is {event.status or 'removed'}"
        case _:
            assert_never(event)
    return f"{event.txid}: {told}{_proof(event)}"


def _ballot(ballot: str, *, full: bool) -> str:
    text = ballot if full else " ".join(ballot.split())
    return text if full or len(text) <= VALUE_CHARACTERS_MAX else f"{text[:120]}…"


def _proof(event: "Event") -> str:
    from ccfpy.audit.governance import Decided, MemberSeen

    if isinstance(event, Decided | MemberSeen):
        return ""
    if event.flaw is not None:
        return f" (UNPROVEN: {event.flaw})"
    signed = "signed"
    if event.created_at is not None:
        when = datetime.fromtimestamp(event.created_at, tz=UTC)
        signed += f" {when:%Y-%m-%d %H:%M:%S}"
    return f" ({signed})"
