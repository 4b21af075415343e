"""Whether a service kept its promises: histories of its clients, and their checker.

``history`` is what clients saw, as data; ``properties`` names what must hold; ``check``
checks it. ``python -m tests.lab.consistency FILE…`` checks files.
"""

from tests.lab.consistency.checker import Checked, check
from tests.lab.consistency.history import History
from tests.lab.consistency.properties import Inconsistent, Property

__all__ = ["Checked", "History", "Inconsistent", "Property", "check"]
