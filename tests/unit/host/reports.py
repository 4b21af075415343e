"""The reports of the stores, for tests to read."""


class Report:
    """Keeps lines as ``file: message``, failures marked."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    def info(self, message: str, *, file: str) -> None:
        """Keep a line."""
        self.lines.append(f"{file}: {message}")

    def fail(self, message: str, *, file: str) -> None:
        """Keep a failure."""
        self.lines.append(f"{file}: FAIL {message}")
