"""A strict reader of Prometheus's text format, for tests of what nodes serve."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_ABOUT = re.compile(rf"# (HELP|TYPE) ({_NAME}) (.+)")
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (-?[0-9.e+-]+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)')
_HISTOGRAM_ENDS = ("_bucket", "_sum", "_count")

Labels = tuple[tuple[str, str], ...]


@dataclass
class Family:
    """A metric as it was served.

    Attributes:
        samples: values by the series' name and labels.
    """

    kind: str
    about: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def read(text: str) -> dict[str, Family]:
    """Read a page; each line must be one that the format allows, in its place."""
    assert text.endswith("\n")
    families: dict[str, Family] = {}
    about: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if found := _ABOUT.fullmatch(line):
            what, name, words = found.groups()
            if what == "HELP":
                assert name not in about, f"two texts for {name}"
                about[name] = words
            else:
                assert name not in families, f"two kinds of {name}"
                families[name] = Family(words, about[name])
            continue
        found = _SAMPLE.fullmatch(line)
        assert found is not None, f"no line of the format: {line!r}"
        series, labels, value = found[1], tuple(_labels(found[2] or "")), found[3]
        ends = _HISTOGRAM_ENDS if families[name].kind == "histogram" else ("",)
        assert series in {name + end for end in ends}, f"{series} within {name}"
        assert (series, labels) not in families[name].samples, f"twice: {line}"
        families[name].samples[series, labels] = float(value)
    for name, family in families.items():
        assert family.samples, f"{name} without a series"
        if family.kind == "histogram":
            _check_histogram(name, family)
    return families


def value(text: str, name: str, **labels: str) -> float:
    """Return one series' value."""
    wanted = set(labels.items())
    found = [
        number
        for family in read(text).values()
        for (series, has), number in family.samples.items()
        if series == name and wanted <= set(has)
    ]
    assert len(found) == 1, f"{len(found)} series of {name} with {labels}:\n{text}"
    return found[0]


def total(text: str, name: str, **labels: str) -> float:
    """Return the sum of all series of a name that have these labels."""
    wanted = set(labels.items())
    return sum(
        number
        for family in read(text).values()
        for (series, has), number in family.samples.items()
        if series == name and wanted <= set(has)
    )


def _labels(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = _LABEL.match(text, position)
        assert found is not None, f"no labels: {text!r}"
        yield (
            found[1],
            re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), found[2]),
        )
        position = found.end()


def _check_histogram(name: str, family: Family) -> None:
    """Check that buckets rise, end in +Inf and agree with the count."""
    buckets: dict[Labels, list[tuple[float, float]]] = {}
    for (series, labels), number in family.samples.items():
        if series == f"{name}_bucket":
            *rest, (label, edge) = labels
            assert label == "le"
            buckets.setdefault(tuple(rest), []).append((float(edge), number))
    for labels, steps in buckets.items():
        edges, counts = zip(*steps, strict=True)
        assert list(edges) == sorted(edges), name
        assert edges[-1] == float("inf"), name
        assert list(counts) == sorted(counts), name
        assert family.samples[f"{name}_count", labels] == counts[-1], name
        assert (f"{name}_sum", labels) in family.samples, name
