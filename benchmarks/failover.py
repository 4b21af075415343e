"""How long until a service writes again after its primary's death?

Three nodes; clients write and read on all of them while the primary is killed, again
and again, each dead node replaced by a new one. From the kill to the first write that
a later view answers, in election timeouts of one second; nothing committed may be lost.

Budget: two election timeouts.
"""

import sys
import tempfile
from pathlib import Path

from ccfpy.testing.faults.faults import FaultKind
from ccfpy.testing.faults.report import render, resumptions
from ccfpy.testing.faults.run import Plan, run_faults

BUDGET = 2.0
KILLS = 10


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            workspace=Path(folder),
            rounds=KILLS,
            kinds=[FaultKind.KILL],
            primary_share=1.0,
        )
        report = run_faults(plan, print)
    for line in render(report):
        print(line)
    times = sorted(resumptions(report, FaultKind.KILL))
    middle = times[len(times) // 2]
    print(
        f"writes resume after {middle:.2f} election timeouts "
        f"({times[0]:.2f} to {times[-1]:.2f}), budget {BUDGET}"
    )
    return 0 if len(times) == KILLS and times[-1] <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
