"""Serves scripts in a process of its own, which a test can see crash.

``python -m tests.unit.js.serving.alone`` reads a JSON object of functions' bodies by
name. Before each it prints the name; after it the status of the answer, and what the
next request was answered with.
"""

import json
import sys

from tests.unit.js.serving.installed import Installed, of_f

NEXT = "export const f = () => ({ body: 'served' });"
OPTIONS = {
    "max_heap_bytes": 16 << 20,
    "max_stack_bytes": 1 << 20,
    "max_execution_time_ms": 20_000,
}


def _tell(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def serve(name: str, body: str) -> None:
    """Run one function, and another after it."""
    _tell(name)
    installed = Installed()
    installed.options(**OPTIONS)
    installed.install(
        {"/m.js": f"export function f(request) {{ {body} }}", "/next.js": NEXT},
        {"POST /f": of_f(), "POST /next": of_f(js_module="/next.js")},
    )
    answer = installed.call()
    code = json.loads(answer.body)["error"]["code"]
    following = installed.call(path="/next").body.decode()
    _tell(f": {answer.status} {code}, then {following}\n")
    assert installed.unhandled == []


if __name__ == "__main__":
    for each in json.load(sys.stdin).items():
        serve(*each)
