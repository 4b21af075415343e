"""``ccfpy gov status``: how a service stands, and when certificates end."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from ccfpy.cli.errors import ExitCode
from ccfpy.cli.options import with_options
from ccfpy.cli.output import print_json
from ccfpy.cli.place import JsonOption, PlaceOptions
from ccfpy.cli.signing import run
from ccfpy.cli.terminal import Styled, styled, table_console

if TYPE_CHECKING:
    from ccfpy.client.expiry import Dated, Standing, Validity


SOON_DAYS = 30
ID_CHARACTERS = 8
NOTHING = "-"

_STYLES = {
    "valid": "green",
    "expires soon": "yellow",
    "expired": "red",
    "not yet valid": "red",
    "unreadable": "red",
}
"""By ``Validity``."""


@with_options
def status(
    *,
    soon_days: Annotated[
        int,
        typer.Option("--days", min=0, help="How many days are few for a certificate."),
    ] = SOON_DAYS,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Show how a service is governed, and how long each certificate is valid.

    Exits with 1 where one has expired, or has few days left.
    """
    from ccfpy.client.expiry import standing

    found = run(where.find(), standing)
    now = datetime.now(tz=UTC)
    if json:
        print_json(as_json(found, now, soon_days=soon_days))
    else:
        table_console().print(table(found, now, soon_days=soon_days))
    is_well = _is_well(found, now, soon_days=soon_days)
    raise typer.Exit(ExitCode.OK if is_well else ExitCode.FAILED)


def table(found: "Standing", now: datetime, *, soon_days: int) -> Group:
    """Return the table for people."""
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("whose", "id", "status", "name"):
        rows.add_column(heading, no_wrap=True)
    rows.add_column("days left", no_wrap=True, justify="right")
    rows.add_column("valid until", no_wrap=True)
    for each in found.certificates:
        validity = each.validity(now, soon_days=soon_days)
        style = _STYLES[validity]
        left = each.days_left(now)
        rows.add_row(
            each.holder.value,
            each.id[:ID_CHARACTERS],
            each.status or NOTHING,
            NOTHING if each.certificate is None else each.certificate.subject,
            styled((NOTHING if left is None else str(left), style)),
            styled((_until(each, validity), style)),
        )
    return Group(_headline(found), styled(), rows)


def _headline(found: "Standing") -> Styled:
    threshold = found.recovery_threshold
    return styled(
        f"service {found.service_status}, {found.active_members} of {found.members} "
        f"members active, {found.share_holders} with recovery shares, of which "
        f"{NOTHING if threshold is None else threshold} bring it back"
    )


def _until(each: "Dated", validity: "Validity") -> str:
    from ccfpy.client.expiry import Validity

    if each.certificate is None:
        return validity.value
    day = f"{each.certificate.not_after.astimezone(UTC):%Y-%m-%d}"
    return day if validity is Validity.VALID else f"{day}, {validity.value}"


def _is_well(found: "Standing", now: datetime, *, soon_days: int) -> bool:
    from ccfpy.client.expiry import Validity

    return all(
        each.validity(now, soon_days=soon_days) is Validity.VALID
        for each in found.certificates
    )


def as_json(found: "Standing", now: datetime, *, soon_days: int) -> dict[str, object]:
    """Return the same as a JSON value."""
    first = found.first_to_end(now)
    return {
        "service_status": found.service_status,
        "members": found.members,
        "active_members": found.active_members,
        "share_holders": found.share_holders,
        "recovery_threshold": found.recovery_threshold,
        "is_well": _is_well(found, now, soon_days=soon_days),
        "fewest_days_left": None if first is None else first.days_left(now),
        "certificates": [
            _certificate(each, now, soon_days=soon_days) for each in found.certificates
        ],
    }


def _certificate(each: "Dated", now: datetime, *, soon_days: int) -> dict[str, object]:
    certificate = each.certificate
    return {
        "holder": each.holder.value,
        "id": each.id,
        "status": each.status or None,
        "subject": None if certificate is None else certificate.subject,
        "valid_from": None
        if certificate is None
        else certificate.not_before.isoformat(),
        "valid_until": None
        if certificate is None
        else certificate.not_after.isoformat(),
        "days_left": each.days_left(now),
        "validity": each.validity(now, soon_days=soon_days).value,
    }
