"""The requests that a development service answered, in a file beside its keys.

They are there with their bodies, for its owner alone to read.
"""

from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.limits import DEV_REQUESTS_KEPT_MAX
from ccfpy.devtools.served import ServedRequest

NAME = "requests.jsonl"


class NoRequest(CcfpyError):
    """There is no such request; the text says which there are."""


@dataclass(slots=True)
class KeptRequests:
    """A file of requests, one a line; when it is full the older half is dropped."""

    path: Path
    _count: int = 0
    _in_file: int = 0

    def begin(self) -> None:
        """Forget those of an earlier run."""
        self.path.unlink(missing_ok=True)
        self.path.touch(mode=0o600)
        self._count = self._in_file = 0

    def keep(self, served: ServedRequest) -> ServedRequest:
        """Number a request, and keep it."""
        self._count += 1
        numbered = served.numbered(self._count)
        if self._in_file >= DEV_REQUESTS_KEPT_MAX:
            self._halve()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(numbered.to_line() + "\n")
        self._in_file += 1
        return numbered

    def all(self) -> list[ServedRequest]:
        """Read all of them, oldest first.

        Raises:
            NoRequest: there is no such file, or it is something else.
        """
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            return [ServedRequest.parse(line) for line in lines]
        except FileNotFoundError as error:
            raise NoRequest(
                f"no requests at {self.path}: send some to a service that "
                "ccfpy app dev runs"
            ) from error
        except (Malformed, UnicodeDecodeError) as error:
            raise NoRequest(f"{self.path} holds no requests: {error}") from error

    def find(self, name: str | None) -> ServedRequest:
        """Find a request by its number or its transaction; the last if none is named.

        Raises:
            NoRequest: there is none such.
        """
        kept = self.all()
        if not kept:
            raise NoRequest(f"{self.path} is empty: no request was answered yet")
        if name is None:
            return kept[-1]
        for served in reversed(kept):
            if served.is_called(name):
                return served
        first, last = kept[0].number, kept[-1].number
        raise NoRequest(
            f"no request {name!r}: give a number from {first} to {last}, or the id of "
            "a transaction that one of them became"
        )

    def _halve(self) -> None:
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = lines[len(lines) // 2 :]
        self.path.write_text("".join(kept), encoding="utf-8")
        self._in_file = len(kept)
