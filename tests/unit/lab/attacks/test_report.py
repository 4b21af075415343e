"""How outcomes are shown."""

import json
from dataclasses import replace

from ccfpy.base.json import dumps
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.report import (
    COLUMNS,
    as_json,
    memory,
    reasons,
    row,
    size,
    table,
)
from tests.lab.attacks.run import Outcome
from tests.unit.lab.attacks.test_bounds import QUIET


async def nothing(_: Target, __: Spend) -> tuple[str, ...]:
    return ()


ATTACK = Attack(name="x", family=Family.TLS, about="does nothing", perform=nothing)
WITHIN = Outcome(attack=ATTACK, measured=QUIET, excesses=())
LOST = Outcome(
    attack=ATTACK,
    measured=replace(QUIET, toll=replace(QUIET.toll, elections=1, nodes_lost=["n0"])),
    excesses=["n0 ended", "1 elections"],
)


def test_a_table_has_a_line_for_each() -> None:
    lines = list(table([WITHIN, LOST]))
    assert len(lines) == 3
    assert lines[0].split()[0] == "attack"
    assert lines[1].endswith("  within")
    assert lines[2].endswith("NOT within")
    starts = {line.index(each) for line, each in zip(lines, ("verdict",), strict=False)}
    assert starts == {lines[1].index("within")}
    assert len(row(WITHIN)) == len(COLUMNS)
    assert "1, 1 nodes lost" in row(LOST)


def test_reasons_name_the_attack() -> None:
    assert list(reasons([WITHIN, LOST])) == ["x: n0 ended", "x: 1 elections"]


def test_json_has_all_that_was_measured() -> None:
    first, second = json.loads(dumps(as_json([WITHIN, LOST])))
    assert first["is_within"] is True
    assert first["toll"]["memory_peak_bytes"] == 5000
    assert second["excesses"] == ["n0 ended", "1 elections"]


def test_sizes_are_for_people() -> None:
    assert size(512) == "0.5 KiB"
    assert size(-2048) == "-2.0 KiB"
    assert size(3 << 20) == "3.0 MiB"
    toll = replace(QUIET.toll, memory_before_bytes=3 << 20)
    assert memory(replace(QUIET, toll=toll)) == "3 → 0 → 0"
