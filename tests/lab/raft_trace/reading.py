"""Takes the steps of consensus out of a node's log, text or JSON."""

from collections.abc import Iterable

from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject, loads_object

TAG = "raft_trace"


def read_log(lines: Iterable[str]) -> list[JsonObject]:
    """Return the steps that a log tells of, in their order.

    Raises:
        Malformed: a line that should be a step is none, or the log is of two nodes.
    """
    steps = [
        _step(number, line)
        for number, line in enumerate(lines, start=1)
        if _is_step(line)
    ]
    nodes = sorted({node_of(step) for step in steps})
    if len(nodes) > 1:
        raise Malformed(f"one log has the steps of several nodes: {', '.join(nodes)}")
    return steps


def message_of(step: JsonObject) -> JsonObject:
    """Return what a step says: its function, the node's state and the details.

    Raises:
        Malformed: the step has no message.
    """
    message = step.get("msg")
    if not isinstance(message, dict):
        raise Malformed("a step has no msg")
    return message


def function_of(step: JsonObject) -> str:
    """Return the name of a step."""
    return str(message_of(step).get("function"))


def state_of(step: JsonObject) -> JsonObject:
    """Return a node's state in a step.

    Raises:
        Malformed: the step does not say.
    """
    state = message_of(step).get("state")
    if not isinstance(state, dict):
        raise Malformed("a step has no state")
    return state


def node_of(step: JsonObject) -> str:
    """Return the node of a step."""
    return str(state_of(step).get("node_id"))


def _is_step(line: str) -> bool:
    return f"[{TAG}]" in line or f'"tag":"{TAG}"' in line


def _step(number: int, line: str) -> JsonObject:
    text = line.strip()
    time, _, rest = text.partition(" ")
    try:
        if text.startswith("{"):
            step = loads_object(text)
        else:
            step = {
                "h_ts": time,
                "thread_id": "0",
                "level": "info",
                "tag": TAG,
                "file": "enclave",
                "number": "0",
                "msg": loads_object(rest.partition("| ")[2]),
            }
        node_of(step)
    except Malformed as error:
        raise Malformed(f"line {number} is no step of consensus: {error}") from error
    return step
