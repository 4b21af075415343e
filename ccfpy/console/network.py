"""The state of a service's nodes, for an operator, and its last minutes for charts."""

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ccfpy.client.review.characters import inline
from ccfpy.client.survey import (
    EXPIRES_SOON_DAYS,
    SILENT_LONG_MS,
    NodeReport,
    Survey,
    role_of,
)
from ccfpy.client.transport import RECOVERED
from ccfpy.console.answers import Network, NodeRow, RatePoint, Rates

ID_CHARACTERS = 8
"""Of an id within a sentence: as many as the table of nodes has."""
LAG_LARGE = 1000
"""Transactions: a backup that is further behind does not keep up."""
SECONDS_PER_DAY = 86_400
TRUSTED = "Trusted"
PENDING = "Pending"
OPEN = "Open"


def network_of(survey: Survey, *, now: datetime) -> Network:
    """Describe a service and its nodes, as they answered."""
    rows = tuple(_row(survey, node, now) for node in survey.nodes)
    commits = [node.answer.commit.seqno for node in survey.nodes if node.answer]
    days = _days(survey.valid_until, now)
    is_well = (
        survey.has_majority
        and survey.primary is not None
        and survey.status == OPEN
        and all(row.is_well for row in rows)
        and not _ends_soon(days)
    )
    return Network(
        headline=_headline(survey, rows, days, is_well=is_well),
        is_well=is_well,
        stands_still=_stands_still(survey),
        service_status=survey.status,
        certificate_days=days,
        seqno=max(commits, default=None),
        nodes=rows,
        seen_at=_milliseconds(now),
    )


def unreachable(urls: Sequence[str], reason: str, *, now: datetime) -> Network:
    """Describe a service of which no node answers."""
    at = ", ".join(urls)
    is_other = RECOVERED in reason
    told = "another service answers" if is_other else "no node answers"
    return Network(
        headline=f"{told} at {at}: {reason}",
        is_well=False,
        stands_still=f"{told} at {at}",
        service_status="",
        certificate_days=None,
        seqno=None,
        nodes=(),
        seen_at=_milliseconds(now),
    )


def _headline(
    survey: Survey, rows: Sequence[NodeRow], days: int | None, *, is_well: bool
) -> str:
    trusted = [row for row in rows if row.status == TRUSTED]
    answering = sum(1 for row in trusted if row.view is not None)
    verb = "answers" if answering == 1 else "answer"
    said = [f"{answering} of {len(trusted)} nodes {verb}"]
    primary = survey.primary
    if survey.has_majority and primary is not None and primary.answer is not None:
        said.append(f"node {primary.id[:ID_CHARACTERS]}… leads")
    if survey.status != OPEN:
        said.append(f"the service is {survey.status}")
    if _ends_soon(days):
        ended = days is not None and days < 0
        when = "has ended" if ended else f"ends in {days} days"
        said.append(f"the service's certificate {when}")
    return f"{_standing(survey, is_well=is_well)}: {', '.join(said)}"


def _standing(survey: Survey, *, is_well: bool) -> str:
    if is_well:
        return "the service is well"
    return _stands_still(survey) or "the service needs an operator"


def _stands_still(survey: Survey) -> str:
    """Return why nothing commits; nothing if something does."""
    if not survey.has_majority:
        return "nothing commits, as no majority of the nodes answers"
    if survey.primary is None:
        return "nothing commits, as no node leads yet"
    return ""


def _row(survey: Survey, node: NodeReport, now: datetime) -> NodeRow:
    answer = node.answer
    lag, heard_ms = survey.lag(node), survey.silent_ms(node)
    days = None if node.valid_until is None else _days(node.valid_until, now)
    is_ours = node.status == TRUSTED
    return NodeRow(
        id=node.id,
        addresses=tuple(map(inline, node.addresses)),
        status=f"{node.status}, may stop" if node.is_removable else node.status,
        role=_role(node),
        is_primary=survey.primary is node,
        is_well=not is_ours
        or (
            answer is not None
            and not answer.is_stopping
            and (lag or 0) <= LAG_LARGE
            and (heard_ms or 0) <= SILENT_LONG_MS
            and not _ends_soon(days)
        ),
        view=None if answer is None else answer.view,
        commit=None if answer is None else str(answer.commit),
        lag=lag,
        heard_ms=heard_ms,
        certificate_days=days,
        trouble=node.trouble,
    )


def _role(node: NodeReport) -> str:
    if node.answer is None:
        return "joining" if node.status == PENDING else "no answer"
    role = role_of(node.answer)
    return f"{role}, stopping" if node.answer.is_stopping else role


def _days(until: datetime, now: datetime) -> int:
    return math.floor((until - now).total_seconds() / SECONDS_PER_DAY)


def _ends_soon(days: int | None) -> bool:
    return days is not None and days < EXPIRES_SOON_DAYS


def _milliseconds(now: datetime) -> int:
    return round(now.timestamp() * 1000)


EACH_MS: Final = 2000
"""From one point to the next."""
POINTS_MAX: Final = 150
"""Five minutes."""
GAP_MS: Final = 3 * EACH_MS
"""After a longer time without a look, nothing is known of the time between."""


class Ring:
    """The points of the last minutes, made of looks at the network."""

    def __init__(self) -> None:
        self._points: deque[RatePoint] = deque(maxlen=POINTS_MAX)
        self._at = 0
        self._seqno: int | None = None

    def take(self, network: Network, *, now_ms: int) -> Rates | None:
        """Take a look; return the points, if there is a new one.

        Args:
            network: what was seen.
            now_ms: when, in milliseconds since 1970.
        """
        elapsed_ms = now_ms - self._at
        if 0 <= elapsed_ms < EACH_MS:
            return None
        lags = [row.lag for row in network.nodes if row.lag is not None]
        point = RatePoint(
            at=now_ms,
            per_second=self._per_second(network.seqno, elapsed_ms),
            lag=max(lags, default=None),
        )
        self._at, self._seqno = now_ms, network.seqno
        self._points.append(point)
        return Rates(points=tuple(self._points))

    def _per_second(self, seqno: int | None, elapsed_ms: int) -> float | None:
        before = self._seqno
        if seqno is None or before is None or not 0 < elapsed_ms <= GAP_MS:
            return None
        # A recovered service may begin with a smaller number.
        return (
            round(1000 * (seqno - before) / elapsed_ms, 1) if seqno >= before else None
        )
