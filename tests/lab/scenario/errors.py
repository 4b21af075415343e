"""How a scenario fails."""


class ScenarioFailed(Exception):
    """A command that cannot be followed, or an assertion that does not hold."""
