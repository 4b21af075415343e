"""The number of examples of a fuzz test: few in every run, many on request.

``CCFPY_FUZZ_EXAMPLES=20000 pytest tests/fuzz`` tries more.
"""

import os

from hypothesis import HealthCheck, settings


def rounds(*, share: int = 1) -> settings:
    """Return a test's settings; a slow test takes a share of the examples only.

    A quick run tries fewer of these examples, as of any others: 16 and not 80.
    """
    usual = 4 * settings().max_examples // 5
    examples = int(os.environ.get("CCFPY_FUZZ_EXAMPLES", usual))
    return settings(
        max_examples=max(examples // share, 1),
        suppress_health_check=[HealthCheck.too_slow],
    )
