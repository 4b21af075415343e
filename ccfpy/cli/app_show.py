"""How ``ccfpy app dev`` prints requests, reloads and faults."""

from collections.abc import Sequence
from pathlib import Path

from ccfpy.base.json import JsonObject
from ccfpy.cli.output import counted, print_json
from ccfpy.cli.terminal import Part, Terminal
from ccfpy.client.bundle import Bundle
from ccfpy.crypto.certs import Certificate
from ccfpy.devtools.desk import Event, Faulty, Reloaded, Restarted
from ccfpy.devtools.script_traces import Failure, Frame, Sources
from ccfpy.devtools.served import ServedRequest

CALLER_CHARACTERS = 8
_ERROR = 400
_SERVER_ERROR = 500
_LEVELS = {"info": "", "fail": "yellow", "fatal": "red"}


class Show:
    """Prints what happens, for people or, one JSON value a line, for programs.

    Args:
        project: the folder that sources are named from.
        console: where people read.
        as_json: whether programs do.
    """

    def __init__(self, project: Path, console: Terminal, *, as_json: bool) -> None:
        self._project = project
        self._console = console
        self._as_json = as_json
        self._sources = Sources({}, None, project)
        self._names: dict[str, str] = {}

    def know_caller(self, certificate: str, name: str) -> None:
        """Show callers with this certificate, given as PEM, by this name."""
        self._names[Certificate.from_pem(certificate).digest_hex] = name

    def know(self, bundle: Bundle) -> None:
        """Resolve places by this bundle's sources from now on."""
        self._sources = Sources(bundle.modules, bundle.folder, self._project)

    def tell(self, event: Event) -> None:
        """Print what happened."""
        if isinstance(event, Reloaded):
            self.know(event.bundle)
        if self._as_json:
            print_json(self._json(event))
            return
        match event:
            case ServedRequest():
                self._request(event)
            case Reloaded():
                self._serving(
                    len(event.bundle.endpoints()), event.changed, event.after_s
                )
                for remark in event.remarks:
                    self._print("! ", remark, style="yellow")
            case Restarted():
                self._serving(len(event.endpoints), event.changed, event.after_s)
            case Failure():
                self._failed(event)
            case Faulty():
                for fault in event.faults:
                    self._print("✗ ", fault, style="red")

    def stack(self, trace: str | None) -> list[Frame]:
        """Return the stack of a script's exception, by the author's sources."""
        return [] if trace is None else self._sources.frames(trace)

    def failure(self, thrown: str, frames: list[Frame]) -> None:
        """Print what a script threw and where, with the author's lines."""
        self._print("    ", thrown, style="red")
        for frame in frames:
            self._print("      ", str(frame), style="" if frame.is_own else "dim")
            if frame.is_own and frame.excerpt:
                self._print("        │ ", frame.excerpt, style="cyan")

    def lines(self, lines: tuple[tuple[str, str], ...]) -> None:
        """Print what a script logged."""
        for level, text in lines:
            self._print("    ", f"{level}: {text}", style=_LEVELS.get(level, ""))

    def _request(self, served: ServedRequest) -> None:
        facts = [f"#{served.number}", served.method, served.url]
        parts: list[Part] = [" ".join(facts) + " → "]
        parts.append((str(served.status), _colour(served.status)))
        if served.txid is not None:
            parts.append((f"  {served.txid}", "dim"))
        if served.elapsed_ms is not None:
            parts.append((f"  {served.elapsed_ms} ms", "dim"))
        parts.append((f"  {self._caller(served)}", "dim"))
        self._console.say(*parts)
        self.lines(served.lines)
        if served.thrown is not None:
            self.failure(served.thrown, self.stack(served.trace))

    def _serving(self, count: int, changed: Sequence[Path], after_s: float) -> None:
        told = f"serving {counted(count, 'endpoint')}"
        if changed and after_s:
            names = ", ".join(path.name for path in changed)
            told += f", {after_s:.2f} s after {names} changed"
        self._print("✓ ", told, style="green")

    def _failed(self, event: Failure) -> None:
        self._print("✗ ", f"{event.where}: {event.how}", style="red")
        for link in event.links:
            self.failure(link.thrown, [frame for frame in link.frames if frame.is_own])

    def _caller(self, served: ServedRequest) -> str:
        """Name the caller: by name, by the beginning of the id, or by the policy."""
        if served.caller is None:
            return "token" if "authorization" in served.headers else "anybody"
        digest = Certificate.from_pem(served.caller).digest_hex
        return self._names.get(digest, digest[:CALLER_CHARACTERS])

    def _print(self, mark: str, text: str, *, style: str) -> None:
        for line in text.splitlines() or [""]:
            self._console.say(mark, (line, style))
            mark = " " * len(mark)

    def _json(self, event: Event) -> JsonObject:
        match event:
            case ServedRequest():
                return {
                    "event": "request",
                    "number": event.number,
                    "method": event.method,
                    "url": event.url,
                    "caller": self._caller(event),
                    "status": event.status,
                    "transaction": event.txid,
                    "read_version": event.read_version,
                    "script_ms": event.elapsed_ms,
                    "lines": [{"level": k, "text": v} for k, v in event.lines],
                    "thrown": event.thrown,
                    "trace": [str(frame) for frame in self.stack(event.trace)],
                }
            case Reloaded():
                return {
                    "event": "reloaded",
                    "endpoints": len(event.bundle.endpoints()),
                    "changed": [str(path) for path in event.changed],
                    "remarks": list(event.remarks),
                    "after_s": round(event.after_s, 3),
                }
            case Restarted():
                return {
                    "event": "restarted",
                    "endpoints": len(event.endpoints),
                    "changed": [str(path) for path in event.changed],
                    "after_s": round(event.after_s, 3),
                }
            case Faulty():
                return {"event": "faulty", "faults": list(event.faults)}
            case Failure():
                return {
                    "event": "failed",
                    "id": event.id,
                    "where": event.where,
                    "how": event.how,
                    "exceptions": [
                        {"thrown": link.thrown, "trace": [str(f) for f in link.frames]}
                        for link in event.links
                    ],
                }


def _colour(status: int) -> str:
    if status < _ERROR:
        return "green"
    return "red" if status >= _SERVER_ERROR else "yellow"
