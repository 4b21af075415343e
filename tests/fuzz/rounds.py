"""How many examples a fuzz test tries: few in every run, many when asked.

``CCFPY_FUZZ_EXAMPLES=20000 pytest tests/fuzz`` looks longer.
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
