"""Metrics as text, in version 0.0.4 of Prometheus's exposition format.

The format is at <https://prometheus.io/docs/instrumenting/exposition_formats/>.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ccfpy.base.limits import METRICS_SERIES_MAX
from ccfpy.boundary.metrics import METRICS, PREFIX, Metric, MetricKind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One series of a metric, as it is now.

    Attributes:
        name: of the metric, without the prefix.
        labels: a value for each label of the metric.
        values: one integer; of a histogram, a count for each edge and for what is
            beyond, and the sum.
    """

    name: str
    labels: tuple[str, ...]
    values: Sequence[int]


def render(samples: Iterable[Sample]) -> tuple[str, int]:
    """Return the text, and how many series were left out beyond the bound."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines: list[str] = []
    left = METRICS_SERIES_MAX
    left_out = 0
    for metric in METRICS.values():
        found = by_name.get(metric.name, [])
        served = found[:left]
        left -= len(served)
        left_out += len(found) - len(served)
        if served:
            name = PREFIX + metric.name
            lines.append(f"# HELP {name} {_escaped_help(metric.about)}")
            lines.append(f"# TYPE {name} {metric.kind}")
            for sample in served:
                lines += _lines(metric, name, sample)
    return "\n".join([*lines, ""]), left_out


def _lines(metric: Metric, name: str, sample: Sample) -> Iterator[str]:
    labels = [
        f'{label}="{_escaped(value)}"'
        for label, value in zip(metric.labels, sample.labels, strict=True)
    ]
    if metric.kind is not MetricKind.HISTOGRAM:
        (value,) = sample.values
        yield f"{name}{_braced(labels)} {_number(value, metric.per_unit)}"
        return
    *counts, total = sample.values
    edges = [_number(edge, metric.per_unit) for edge in metric.edges]
    count = 0
    for edge, more in zip([*edges, "+Inf"], counts, strict=True):
        count += more
        below = _braced([*labels, f'le="{edge}"'])
        yield f"{name}_bucket{below} {count}"
    yield f"{name}_sum{_braced(labels)} {_number(total, metric.per_unit)}"
    yield f"{name}_count{_braced(labels)} {count}"


def _braced(labels: list[str]) -> str:
    return "{" + ",".join(labels) + "}" if labels else ""


def _number(value: int, per_unit: int) -> str:
    return str(value) if per_unit == 1 else repr(value / per_unit)


def _escaped(text: str) -> str:
    return _escaped_help(text).replace('"', '\\"')


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
