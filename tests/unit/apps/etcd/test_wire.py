"""Our protobuf against the library's, and bytes that are none."""

import pytest
from google.protobuf.message import (  # type: ignore[import-untyped]
    DecodeError,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.etcd.limits import MESSAGE_DEPTH_MAX
from apps.etcd.messages import (
    Compare,
    KeyValue,
    Member,
    PutRequest,
    RangeRequest,
    RangeResponse,
    RequestOp,
    TxnRequest,
)
from apps.etcd.wire import decode, encode
from ccfpy.app import Malformed
from tests.apps.etcd_oracle import (
    ANY_MESSAGE,
    MESSAGES,
    class_of,
    from_library,
    to_library,
)


@given(ANY_MESSAGE)
def test_what_is_written_is_what_the_library_writes(message: object) -> None:
    written = encode(message)
    assert written == to_library(message).SerializeToString(deterministic=True)
    assert decode(type(message), written) == message


@given(ANY_MESSAGE, st.data())
def test_damaged_bytes_are_read_as_the_library_reads_them(
    message: object, data: st.DataObject
) -> None:
    content = bytearray(encode(message))
    other = encode(data.draw(ANY_MESSAGE))
    at = data.draw(st.integers(0, len(content)))
    content[at:at] = data.draw(st.sampled_from([b"", other, other[:3]]))
    if content:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    assume(not _has_group(bytes(content)))
    cls = data.draw(st.sampled_from([type(message), *MESSAGES]))
    library = class_of(cls)()
    try:
        library.ParseFromString(bytes(content))
    except DecodeError:
        with pytest.raises(Malformed):
            decode(cls, bytes(content))
        return
    try:
        read = decode(cls, bytes(content))
    except Malformed as error:
        refusal = str(error)
    else:
        assert read == from_library(cls, library)
        return
    # A group, or a field without a number: the library skips them.
    assert "of the form" in refusal or "the number 0" in refusal


def _has_group(content: bytes) -> bool:
    """Return whether there is a group, which the library reads and we refuse."""
    try:
        decode(KeyValue, content)
    except Malformed as error:
        return "of the form" in str(error)
    return False


def test_known_bytes() -> None:
    assert encode(PutRequest(key=b"k", value=b"v")) == b"\n\x01k\x12\x01v"
    assert (
        encode(RangeRequest(key=b"k", limit=-1))
        == b"\n\x01k\x18" + b"\xff" * 9 + b"\x01"
    )
    assert encode(Compare(version=0)) == b"\x20\x00"
    assert decode(PutRequest, b"\x12\x01v\n\x01a\n\x01b") == PutRequest(
        key=b"b", value=b"v"
    )


def test_a_message_that_comes_in_parts_is_merged() -> None:
    parts = encode(RangeResponse(kvs=(KeyValue(key=b"k"),)))
    assert decode(RangeResponse, parts + parts).kvs == (KeyValue(key=b"k"),) * 2
    op = encode(RequestOp(request_put=PutRequest(key=b"k")))
    more = encode(RequestOp(request_put=PutRequest(value=b"v")))
    merged = decode(RequestOp, op + more)
    assert merged == RequestOp(request_put=PutRequest(key=b"k", value=b"v"))


def test_the_last_field_of_a_group_counts() -> None:
    both = b"".join(encode(each) for each in (Compare(version=1), Compare(value=b"v")))
    assert decode(Compare, both) == Compare(value=b"v")


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"\n\x05abc",
        b"\x00",
        b"\x02\x00",
        b"\x0b\x0c",
        b"\x0f",
        b"\xff" * 11,
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ],
    ids=bytes.hex,
)
def test_bytes_that_are_no_message_are_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        decode(PutRequest, content)


def test_text_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        decode(Member, b"\x12\x01\xff")


def test_the_depth_of_messages_is_bounded() -> None:
    assert MESSAGE_DEPTH_MAX == 32
    deepest = TxnRequest()
    for _ in range(15):
        deepest = TxnRequest(success=(RequestOp(request_txn=deepest),))
    # The message itself is the first of 31; one operation more is the last.
    last = TxnRequest(success=(RequestOp(),))
    for _ in range(15):
        last = TxnRequest(success=(RequestOp(request_txn=last),))
    assert decode(TxnRequest, encode(deepest)) == deepest
    assert decode(TxnRequest, encode(last)) == last
    too_deep = TxnRequest(success=(RequestOp(request_txn=last),))
    with pytest.raises(Malformed, match="deeper than 32"):
        decode(TxnRequest, encode(too_deep))
