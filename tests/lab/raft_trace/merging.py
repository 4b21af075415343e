"""Puts the steps of several nodes into one order in which causes come first.

The order of each node's log is kept. A message is received after it was sent, and the
messages of a link are received in the order in which they were sent: what a receiver
left out was lost, and the loss is written where it shows (``drop_pending_to``). Among
steps that do not depend on each other the logs' times decide, which need not agree.

Two messages are sent without a step of their own. An answer to a request for votes
leaves as the request is received; a nomination as a leader commits that it is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from tests.lab.raft_trace.reading import (
    function_of,
    message_of,
    node_of,
    state_of,
)

RECEIVED = "recv_"
SENT = {
    "recv_append_entries": "send_append_entries",
    "recv_append_entries_response": "send_append_entries_response",
    "recv_request_vote": "send_request_vote",
    "recv_request_vote_response": "recv_request_vote",
    "recv_propose_request_vote": "commit",
}
"""The step in which a message left that another step received."""


@dataclass(slots=True)
class _Log:
    """One node's steps, of which the first ``position`` are in order."""

    steps: Sequence[JsonObject]
    position: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    """Of each other node: up to which step its messages arrived or were lost."""

    @property
    def head(self) -> JsonObject | None:
        """The next step, if there is one."""
        return self.steps[self.position] if self.position < len(self.steps) else None


def merge(logs: Sequence[Sequence[JsonObject]]) -> list[JsonObject]:
    """Return all steps in one order, nodes named 0, 1, … as they appear.

    Raises:
        Malformed: a log is missing, twice here or cut off at its beginning, so that
            a message was received that nobody sent.
    """
    by_node = {node_of(steps[0]): _Log(steps) for steps in logs if steps}
    if len(by_node) < sum(map(bool, logs)):
        raise Malformed("two logs are of the same node")
    merged = list(_in_order(by_node))
    names: dict[str, str] = {}
    for step in merged:
        names.setdefault(node_of(step), str(len(names)))
    return [
        _renamed(step, names) | {"h_ts": str(number)}
        for number, step in enumerate(merged, start=1)
    ]


def _in_order(logs: Mapping[str, _Log]) -> Iterator[JsonObject]:
    while True:
        waiting = [
            (node, log, head) for node, log in logs.items() if (head := log.head)
        ]
        if not waiting:
            return
        waiting.sort(key=lambda each: (str(each[2].get("h_ts")), each[0]))
        for node, log, head in waiting:
            lost = _lost_before(node, head, logs)
            if lost is not None:
                yield from lost
                yield head
                log.position += 1
                break
        else:
            node, _, head = waiting[0]
            raise Malformed(
                f"node {node} received what no log sends: {message_of(head)}"
            )


def _lost_before(
    node: str, step: JsonObject, logs: Mapping[str, _Log]
) -> list[JsonObject] | None:
    """Return the losses that show in a step; nothing if its cause is yet to come."""
    function, message = function_of(step), message_of(step)
    if function not in SENT:
        return []
    sender = str(message.get("from_node_id"))
    log, here = logs.get(sender), logs[node]
    if log is None:
        raise Malformed(
            f"node {node} received a message of {sender}, whose log is missing"
        )
    lost: list[JsonObject] = []
    for index in range(here.seen.get(sender, 0), log.position):
        sent = log.steps[index]
        if _is_cause(sent, function, message, receiver=node):
            # A leader nominates once; answers and messages are received once.
            here.seen[sender] = index + 1
            return lost
        if _is_message_to(sent, node):
            lost.append(_loss(sent))
    return None


def _is_message_to(step: JsonObject, node: str) -> bool:
    return (
        function_of(step).startswith("send_")
        and message_of(step).get("to_node_id") == node
    )


def _is_cause(
    step: JsonObject, function: str, message: JsonObject, *, receiver: str
) -> bool:
    """Return whether a message left in a step that ``function`` receives."""
    if function_of(step) != SENT[function]:
        return False
    sent, packet = message_of(step), message.get("packet")
    assert isinstance(packet, dict), "a message is received with its packet"
    if function == "recv_propose_request_vote":
        state = state_of(step)
        return (
            state.get("leadership_state") == "Leader"
            and state.get("retirement_phase") is not None
            and state.get("current_view") == packet.get("term")
        )
    if function == "recv_request_vote_response":
        return sent.get("from_node_id") == receiver and _answers(step, packet)
    return sent.get("to_node_id") == receiver and sent.get("packet") == packet


def _answers(step: JsonObject, answer: Mapping[str, Json]) -> bool:
    """Return whether an answer may be that to the request for votes of a step."""
    request, view = message_of(step).get("packet"), state_of(step).get("current_view")
    assert isinstance(request, dict), "a message is received with its packet"
    asked = request.get("term")
    assert isinstance(view, int), "a view is a number"
    assert isinstance(asked, int), "a view is a number"
    is_same = answer.get("election_type") == request.get("election_type")
    return is_same and answer.get("term") == max(view, asked)


def _loss(sent: JsonObject) -> JsonObject:
    message = message_of(sent)
    return sent | {
        "msg": {
            "function": "drop_pending_to",
            "from_node_id": node_of(sent),
            "to_node_id": message.get("to_node_id"),
            "state": state_of(sent),
            "packet": message.get("packet"),
        }
    }


def _renamed(step: JsonObject, names: Mapping[str, str]) -> JsonObject:
    def rename(value: Json) -> Json:
        if isinstance(value, dict):
            return {names.get(key, key): rename(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rename(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    return step | {"msg": rename(message_of(step))}
