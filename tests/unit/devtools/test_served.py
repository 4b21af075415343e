import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import DEV_BODY_BYTES_MAX
from ccfpy.devtools.served import MARK, ServedRequest, bounded, read_line
from ccfpy.http.messages import Response

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
_PERHAPS = st.none() | _TEXT
_COUNT = st.integers(0, 2**53)
SERVED = st.builds(
    ServedRequest,
    number=_COUNT,
    unix_time_us=_COUNT,
    method=_TEXT,
    path=_TEXT,
    query=_TEXT,
    headers=st.dictionaries(_TEXT, _TEXT, max_size=3),
    body=st.none() | st.binary(max_size=10),
    caller=_PERHAPS,
    endpoint=_TEXT,
    read_version=st.none() | _COUNT,
    txid=_PERHAPS,
    elapsed_ms=st.none() | _COUNT,
    status=_COUNT,
    answer_headers=st.dictionaries(_TEXT, _TEXT, max_size=3),
    answer=st.none() | st.binary(max_size=10),
    lines=st.lists(st.tuples(_TEXT, _TEXT), max_size=3).map(tuple),
    thrown=_PERHAPS,
    trace=_PERHAPS,
)
GET = ServedRequest(unix_time_us=1, method="GET", path="/app/x", status=200)


@given(SERVED)
def test_a_request_is_read_back_from_its_line(served: ServedRequest) -> None:
    line = served.to_line()
    assert "\n" not in line
    assert ServedRequest.parse(line) == served
    assert read_line(f"2026 [info] | {MARK}{line}") == served


def test_other_lines_hold_none() -> None:
    assert read_line("2026 [info] | a node started") is None


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"status": True},
        {"path": None},
        {"headers": []},
        {"body": "!"},
        {"lines": [["info"]]},
        {"lines": [["info", 7]]},
        {"more": 1},
    ],
)
def test_what_is_no_request_is_refused(change: dict[str, object]) -> None:
    text = json.dumps({**json.loads(GET.to_line()), **change})
    with pytest.raises(Malformed):
        ServedRequest.parse(text)


def test_it_is_called_by_its_number_or_its_transaction() -> None:
    served = ServedRequest(
        unix_time_us=1, method="GET", path="/app/x", query="a=1", status=200, txid="2.7"
    ).numbered(3)
    assert served.is_called("3")
    assert served.is_called("2.7")
    assert not served.is_called("2")
    assert not GET.is_called("None")
    assert served.url == "/app/x?a=1"
    assert served.request().url == served.url


def test_bodies_are_kept_up_to_a_bound() -> None:
    most = bytes(DEV_BODY_BYTES_MAX)
    assert bounded(most) == most
    assert bounded(most + b"x") is None
    served = GET.with_answer(Response(status=201, body=most + b"x"))
    assert (served.status, served.answer) == (201, None)
    with pytest.raises(Malformed, match="bytes"):
        ServedRequest(
            unix_time_us=1, method="PUT", path="/", status=200, body=None
        ).request()
