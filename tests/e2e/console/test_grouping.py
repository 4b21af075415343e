"""The order of what would change, and what files have in common."""

from typing import Any

import pytest

from tests.e2e.console.modules import run

GROUPED = """\
import { grouped } from "./grouping";
const compute = async (diffs: any) => grouped(diffs);
"""


def _diff(subject: str, kind: str = "module", **more: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    lines = ["@@ -1 +1 @@", " same", "-old", "+new"]
    plain = {"subject": subject, "kind": kind, "change": "changed", "lines": lines}
    return {**plain, "is_folded": False, "alike": "", **more}


@pytest.mark.slow
def test_files_that_change_alike_are_one_group_and_come_last() -> None:
    alike = [_diff(f"module {each}", alike="a", is_folded=True) for each in "abc"]
    own = _diff("module d", alike="d", is_folded=True)
    endpoint = _diff("endpoint GET /a", "endpoint")
    same = [_diff(f"endpoint {n}", "endpoint", change="unchanged") for n in range(11)]
    told, none, one = run(
        GROUPED, [[[*alike, own, endpoint, *same]], [[own]], [[same[0]]]]
    )
    assert told["summary"] == "4 files change, 3 by the same lines"
    assert [each["subject"] for each in told["alone"]] == [
        "endpoint GET /a",
        "module d",
    ]
    (group,) = told["alike"]
    assert group["lines"] == ["@@", " same", "-old", "+new"]
    assert group["diffs"] == alike, "each is there whole"
    assert told["unchanged"] == "11 endpoints stay as they are"
    assert len(told["unchangedNames"]) == 11
    assert (none["summary"], none["alike"], none["unchanged"]) == ("", [], "")
    assert one["unchanged"] == "1 endpoint stays as it is"
