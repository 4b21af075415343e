"""What of the isolation is in force, and how the host's log says so."""

from dataclasses import dataclass

from ccfpy.boundary.effects import LogLevel, WriteLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The layers around this process.

    Attributes:
        layers: those in force.
        lacks: what there is not, each with the reason.
        memory: whether it may be written to the disk as swap.
    """

    layers: tuple[str, ...]
    lacks: tuple[str, ...]
    memory: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.lacks

    def __str__(self) -> str:
        """Return the report in one line."""
        there = ", ".join(self.layers)
        memory = f"; {self.memory}" if self.memory else ""
        if self.is_whole:
            return f"Isolation: {there}{memory}"
        lacking = "; ".join(self.lacks)
        reduced = f"Isolation is reduced: {lacking} (there is: {there or 'nothing'})"
        return reduced + memory

    def log(self) -> WriteLog:
        """Report to the host; what is missing must not be overlooked."""
        level = LogLevel.INFO if self.is_whole else LogLevel.FAIL
        return WriteLog(level=level, message=str(self), file="isolation")
