"""Steps are found in either form of a log."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.boundary.effects import LogLevel, LogTag, WriteLog
from ccfpy.host.log import json_line, text_line
from tests.lab.raft_trace.reading import function_of, node_of, read_log

STEP = '{"function":"commit","state":{"node_id":"a"}}'


def _lines(message: str, *, is_json: bool) -> list[str]:
    line = json_line if is_json else text_line
    logs = [
        WriteLog(level=LogLevel.INFO, message="hello"),
        WriteLog(level=LogLevel.INFO, message=message, tag=LogTag.RAFT_TRACE),
    ]
    return [line(log, thread=0, unix_us=1) for log in logs]


@pytest.mark.parametrize("is_json", [False, True])
def test_a_step_is_read_from_text_and_from_json(*, is_json: bool) -> None:
    (step,) = read_log(_lines(STEP, is_json=is_json))
    assert (function_of(step), node_of(step)) == ("commit", "a")
    assert step["h_ts"] == "1970-01-01T00:00:00.000001Z"
    assert step["tag"] == "raft_trace"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"function":"commit"}'])
def test_a_line_that_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="line 2 is no step of consensus"):
        read_log(_lines(text, is_json=False))


def test_a_log_is_of_one_node() -> None:
    lines = _lines(STEP, is_json=True) + _lines(STEP.replace("a", "b"), is_json=True)
    with pytest.raises(Malformed):
        read_log(lines)
