import json
import re

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import PROPOSAL_DEPTH_MAX
from ccfpy.client.review.reading import read_json, read_proposal
from tests.attacks import attack

ACTION = b'{"name":"set_constitution","args":{"constitution":"%s"}}'


@attack("gov: a proposal that the engine reads and members' tools do not")
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"actions":[],"x":"\\ud800"}', "half a character, U+D800"),
        (b'{"actions":[],"\\udc00":1}', "half a character, U+DC00"),
        (b'{"actions":[],"x":[["\\ud800"]]}', "half a character"),
        (b'["\\ud800"]', "half a character"),
        (b'{"actions":[],"actions":[]}', "one name twice"),
        (b'{"actions":[],"x":9007199254740993}', "larger than the engine counts"),
        (b'{"actions":[],"x":1e400}', "reads the number 1e400 as another"),
        (b'{"actions":[],"x":0.10000000000000000001}', "as another"),
        (b'{"actions":[],"x":-0}', "-0"),
        (b'{"actions":[],"x":NaN}', "not JSON"),
        (b'\xef\xbb\xbf{"actions":[]}', "not JSON"),
        (b'{"actions":[]} x', "not JSON"),
        (b'{"actions":[]}\x00', "not JSON"),
        (b'{"actions":[],"x":"\xff"}', "byte 19 is not UTF-8"),
        (b'{"actions":[],"x":"\x01"}', "not JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "no list of actions"),
        (b'{"actions":{}}', "no list of actions"),
        (b'{"actions":[1]}', "action 1 has no name"),
        (b'{"actions":[{"name":["set_user"]}]}', "action 1 has no name"),
    ],
)
def test_what_two_readers_may_read_otherwise_is_not_read(body: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=re.escape(why)):
        read_proposal(body)


@pytest.mark.parametrize("extra", [0, 1])
def test_depth_is_bounded(extra: int) -> None:
    depth = PROPOSAL_DEPTH_MAX - 1 + extra
    body = b'{"actions":[],"x":%s%s}' % (b"[" * depth, b"]" * depth)
    if extra:
        with pytest.raises(Malformed, match="nested deeper"):
            read_proposal(body)
    else:
        assert read_proposal(body)["actions"] == []


def test_brackets_in_texts_are_not_depth() -> None:
    text = json.dumps({"actions": [], "x": '[{"\\' * (PROPOSAL_DEPTH_MAX + 1)})
    assert read_proposal(text.encode()) == json.loads(text)


def test_what_has_one_meaning_is_read() -> None:
    value = {
        "actions": [{"name": "x", "args": [1, -1, 0.5, 1e3, None, True, "\u00e4"]}]
    }
    assert read_proposal(json.dumps(value).encode()) == value
    assert read_json(b" 9007199254740992 ") == 1 << 53
    assert read_json(b'"x"') == "x"
