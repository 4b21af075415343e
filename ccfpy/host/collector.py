"""How often the host's process looks for garbage that refers to itself."""

import gc

THRESHOLDS = (50_000, 20, 50)
"""Rare: a turn of many sessions makes thousands of objects, and lets go of them all."""


def settle() -> None:
    """Collect rarely from now on, and never again what was made so far.

    For the process as a whole: the program that is a host calls it, not the host, which
    may run beside other things.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
