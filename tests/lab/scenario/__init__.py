"""Stories about consensus, as text that runs: the language of CCF's raft scenarios.

One command a line; a file that ends without complaint holds. Run files with
``python -m tests.lab.scenario [--seeds N] [--trace] FILE…``. The language is
explained in ``language``; `run` is for tests.
"""

from tests.lab.scenario.errors import ScenarioFailed
from tests.lab.scenario.language import run

__all__ = ["ScenarioFailed", "run"]
