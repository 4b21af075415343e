"""The lines of a file that somebody else is writing."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class LogTail:
    """A file that grows, read as it does."""

    path: Path
    _at: int = 0
    _rest: bytes = b""

    def lines(self) -> list[str]:
        """Return the whole lines that were written since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        self._at += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in whole]
