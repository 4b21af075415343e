"""All that a node and its host can say to each other as text, which is measured too.

A node whose host speaks another language has another unique id.
"""

from ccfpy.base import limits
from ccfpy.boundary.description import describe_messages
from ccfpy.boundary.shape import INTEGER_MAX
from ccfpy.boundary.wire import EFFECT_KINDS, EVENT_KINDS


def describe_boundary() -> str:
    """Write down every message in either direction, and the bounds on all of them."""
    bounds = {
        "frame_bytes_max": limits.FRAME_BYTES_MAX,
        "batch_messages_max": limits.BATCH_MESSAGES_MAX,
        "number_max": INTEGER_MAX,
    }
    return "".join(
        [
            f"events\n{describe_messages(EVENT_KINDS)}",
            f"effects\n{describe_messages(EFFECT_KINDS)}",
            "limits\n",
            *(f"{name} {bound}\n" for name, bound in bounds.items()),
        ]
    )
