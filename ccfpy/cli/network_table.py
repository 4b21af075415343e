"""How the status of a service's nodes is shown: as a table, or as one JSON value."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from rich.console import Group
from rich.table import Table

from ccfpy.cli.terminal import Part, Styled, styled
from ccfpy.client.survey import (
    EXPIRES_SOON_DAYS,
    LEADER,
    SILENT_LONG_MS,
    NodeReport,
    Survey,
    role_of,
)

ID_CHARACTERS = 8
"""Characters of a node's id: enough to tell a service's nodes apart."""
NOTHING = "-"
EXPIRED = "expired"
COLUMNS = 80
"""Of a terminal; a pipe gets no wider table, since a person may read what comes out."""
NUMBERS = frozenset({"view", "lag", "heard"})
WRAPPED = frozenset({"status", "role"})
"""Columns of words, which may take several lines."""


def table(survey: Survey, *, now: datetime) -> Group:
    """Return the table of a service and its nodes."""
    nodes = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("node", "status", "role", "view", "commit", "lag", "heard"):
        nodes.add_column(
            heading,
            no_wrap=heading not in WRAPPED,
            justify="right" if heading in NUMBERS else "left",
        )
    nodes.add_column("cert until", no_wrap=True)
    nodes.add_column("address", overflow="fold")
    for node in survey.nodes:
        nodes.add_row(
            node.id[:ID_CHARACTERS],
            _status(node),
            _role(survey, node),
            *_progress(survey, node),
            _day(node.valid_until, now),
            ", ".join(node.addresses),
        )
    return Group(_headline(survey, now), styled(), nodes)


def _headline(survey: Survey, now: datetime) -> Styled:
    day = _day(survey.valid_until, now)
    until = "until " if day.plain != EXPIRED else ""
    end: Part
    if not survey.has_majority:
        end = ("no majority of its nodes answers", "red")
    elif survey.primary is None:
        end = ("no primary", "red")
    else:
        end = (f"primary {survey.primary.id[:ID_CHARACTERS]}", "green")
    begin = styled(f"service {survey.status}, certificate {until}")
    return begin.append_text(day).append_text(styled(", ", end))


def _status(node: NodeReport) -> str:
    return f"{node.status}, may stop" if node.is_removable else node.status


def _role(survey: Survey, node: NodeReport) -> Styled:
    if not node.is_of_service:
        return styled(("joining" if node.status == "Pending" else NOTHING, "yellow"))
    if node.answer is None:
        return styled(("no answer", "red"))
    role = role_of(node.answer)
    if node.answer.is_stopping:
        role += ", stopping"
    if survey.is_behind(node):
        return styled((f"{role}, behind", "red"))
    return styled((role, "green" if node.answer.leadership == LEADER else ""))


def _progress(survey: Survey, node: NodeReport) -> tuple[str, str, str, Styled]:
    silent_ms = survey.silent_ms(node)
    heard = styled(NOTHING)
    if silent_ms is not None:
        is_long = silent_ms > SILENT_LONG_MS
        words = f"{silent_ms / 1000:.0f} s" if is_long else f"{silent_ms} ms"
        heard = styled((words, "red" if is_long else ""))
    if node.answer is None:
        return NOTHING, NOTHING, NOTHING, heard
    lag = survey.lag(node)
    return (
        str(node.answer.view),
        str(node.answer.commit),
        NOTHING if lag is None else str(lag),
        heard,
    )


def _day(valid_until: datetime | None, now: datetime) -> Styled:
    if valid_until is None:
        return styled(NOTHING)
    days = math.floor((valid_until - now).total_seconds() / 86_400)
    if days < 0:
        return styled((EXPIRED, "red"))
    style = "yellow" if days < EXPIRES_SOON_DAYS else ""
    return styled((f"{valid_until.astimezone(UTC):%Y-%m-%d}", style))


def as_json(survey: Survey) -> Mapping[str, object]:
    """Return the same as a JSON value."""
    primary = survey.primary
    return {
        "service_status": survey.status,
        "service_certificate_valid_until": survey.valid_until.isoformat(),
        "primary_id": None if primary is None else primary.id,
        "has_majority": survey.has_majority,
        "nodes": [_node_as_json(survey, node) for node in survey.nodes],
    }


def _node_as_json(survey: Survey, node: NodeReport) -> Mapping[str, object]:
    until, answer = node.valid_until, node.answer
    return {
        "node_id": node.id,
        "status": node.status,
        "is_removable": node.is_removable,
        "addresses": list(node.addresses),
        "certificate_valid_until": None if until is None else until.isoformat(),
        "is_reachable": answer is not None,
        "trouble": node.trouble or None,
        "state": None if answer is None else answer.state,
        "role": None if answer is None else role_of(answer),
        "view": None if answer is None else answer.view,
        "commit": None if answer is None else str(answer.commit),
        "lag": survey.lag(node),
        "is_behind": survey.is_behind(node),
        "heard_ms_ago": survey.silent_ms(node),
        "is_stopping": None if answer is None else answer.is_stopping,
    }
