"""The number of examples of a fuzz test: few in every run, many on request.

``CCFPY_FUZZ_EXAMPLES=20000 pytest tests/fuzz`` tries more.
"""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("CCFPY_FUZZ_EXAMPLES", "80"))


def rounds(*, share: int = 1) -> settings:
    """Return a test's settings; a slow test takes a share of the examples only."""
    return settings(
        max_examples=max(EXAMPLES // share, 1),
        suppress_health_check=[HealthCheck.too_slow],
    )
