"""Others who read what members are shown: the engine, and the console's page."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ccfpy.client.review.dry_run import AbsentNode
from ccfpy.gov.evaluation import Evaluator
from ccfpy.js.engine import Program
from ccfpy.kv.store import Store

if TYPE_CHECKING:
    from ccfpy.base.json import Json

CONSOLE: Final = Path(__file__).parents[3] / "console"
_READS: Final = """\
export function read (texts) {
  return texts.map((text) => {
    try {
      return JSON.stringify(JSON.parse(text));
    } catch (_) {
      return null;
    }
  });
}
"""
_BUNDLE: Final = """\
const { build } = require("esbuild");
const [contents, outfile] = process.argv.slice(1);
const stdin = { contents, resolveDir: "src", loader: "ts" };
build({ stdin, bundle: true, format: "esm", platform: "node", outfile });
"""
_PAGE: Final = """\
import { createInterface } from "node:readline";
import { grouped } from "./grouping";
import { Marked } from "./marked";
import { whole } from "./marks";

const marks: string[] = [];
function drawn(node: any): string {
  if (node === null || node === undefined || typeof node === "boolean") return "";
  if (Array.isArray(node)) return node.map(drawn).join("");
  if (typeof node !== "object") return String(node);
  if (typeof node.type === "function") return drawn(node.type(node.props));
  const text = drawn(node.props.children);
  if (node.type === "mark") marks.push(text);
  return text;
}
function answer({ texts, diffs }: any) {
  const told = texts.map((text: string) => {
    marks.length = 0;
    const shown = drawn(Marked({ text }));
    const ends = [1, 2, 3, 5, 8, 13, 21, 200].filter((each) => each < text.length);
    return { shown, marks: marks.length, cuts: ends.map((each) => whole(text, each)) };
  });
  const { alone, alike, unchangedNames } = grouped(diffs);
  const seen = [...alone, ...alike.flatMap((each: any) => each.diffs)];
  return { told, changed: seen.map((each: any) => each.subject), unchangedNames };
}
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(answer(JSON.parse(line))));
"""


class Engine:
    """Reads JSON as the constitution of a service does."""

    def __init__(self) -> None:
        self._reading = Store().begin(read_only=True)
        self._program = Program(name="reads", source=_READS)

    def read(self, bodies: Sequence[bytes]) -> list[str | None]:
        """Return each as the engine writes it again; nothing for what it refuses."""
        texts: list[Json] = [body.decode(errors="replace") for body in bodies]
        evaluator = Evaluator.of(AbsentNode(), self._reading, 0)
        told = evaluator.evaluate(self._program, "read", [texts])
        found: list[str | None] = json.loads(told or "[]")
        return found


class Page:
    """The page's own functions, in Node.js."""

    def __init__(self, asking: IO[str], answering: IO[str]) -> None:
        self._asking, self._answering = asking, answering

    def ask(self, texts: Sequence[str], diffs: Sequence[object]) -> Any:  # noqa: ANN401  # JSON
        """Return what the page draws."""
        self._asking.write(f"{json.dumps({'texts': texts, 'diffs': diffs})}\n")
        self._asking.flush()
        return json.loads(self._answering.readline())


@contextmanager
def page() -> Iterator[Page]:
    """Run the page's functions while the context lasts: after ``make console``."""
    if not (CONSOLE / "node_modules").is_dir():
        raise FileNotFoundError("esbuild is not here: make console")
    with tempfile.TemporaryDirectory() as folder:
        made = f"{folder}/page.mjs"
        command = ["node", "-e", _BUNDLE, _PAGE, made]
        subprocess.run(command, cwd=CONSOLE, check=True)
        running = subprocess.Popen(
            ["node", made], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert running.stdin is not None, "it is a pipe"
        assert running.stdout is not None, "it is a pipe"
        try:
            yield Page(running.stdin, running.stdout)
        finally:
            running.stdin.close()
            running.wait()
            running.stdout.close()
