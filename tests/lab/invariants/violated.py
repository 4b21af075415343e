"""How a cluster fails."""


class Violated(Exception):
    """Something that must always hold does not.

    Attributes:
        invariant: its name.
    """

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
