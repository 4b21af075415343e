"""Whether a service kept its word: histories of its clients, and their checker.

``history`` is what clients saw, as data; ``properties`` names what must hold;
``check`` holds it. ``python -m ccfpy.testing.consistency FILE…`` does so for files.
"""

from ccfpy.testing.consistency.checker import Checked, check
from ccfpy.testing.consistency.history import History
from ccfpy.testing.consistency.properties import Inconsistent, Property

__all__ = ["Checked", "History", "Inconsistent", "Property", "check"]
