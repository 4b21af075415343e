"""Messages in JSON against the library's, and JSON that is none."""

from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from hypothesis import given

from apps.etcd.json_form import from_json, to_json
from apps.etcd.limits import MESSAGE_DEPTH_MAX
from apps.etcd.messages import (
    AlarmRequest,
    Compare,
    Event,
    KeyValue,
    LeaseGrantRequest,
    PutRequest,
    RangeRequest,
    RangeResponse,
    TxnRequest,
)
from ccfpy.app import Malformed
from ccfpy.base.json import Json
from tests.apps.etcd_oracle import ANY_MESSAGE, to_library


def plain(value: Json) -> Json:
    """Return the library's JSON with values of enumerations named as etcd names them.

    In the library's description each name begins with its enumeration's.
    """
    if isinstance(value, dict):
        return {name: plain(held) for name, held in value.items()}
    if isinstance(value, list):
        return [plain(held) for held in value]
    if isinstance(value, str) and value.partition("_")[0] in ENUM_PREFIXES:
        return value.partition("_")[2]
    return value


ENUM_PREFIXES = (
    *("SortOrder", "SortTarget", "CompareResult", "CompareTarget"),
    *("EventType", "AlarmAction", "AlarmType", "FilterType"),
)


@given(ANY_MESSAGE)
def test_what_is_written_is_what_the_library_writes(message: object) -> None:
    library = json_format.MessageToDict(
        to_library(message), preserving_proto_field_name=True
    )
    written = to_json(message)
    assert written == plain(library)
    assert from_json(type(message), written) == message


def test_known_json() -> None:
    kv = KeyValue(key=b"foo", mod_revision=2, value=b"bar")
    assert to_json(RangeResponse(kvs=(kv,), count=1)) == {
        "kvs": [{"key": "Zm9v", "mod_revision": "2", "value": "YmFy"}],
        "count": "1",
    }
    assert to_json(Event(type=1, kv=kv)) == {
        "type": "DELETE",
        "kv": {"key": "Zm9v", "mod_revision": "2", "value": "YmFy"},
    }
    assert to_json(LeaseGrantRequest(ttl=5)) == {"TTL": "5"}


@pytest.mark.parametrize(
    "given_",
    [
        {"key": "Zm8=", "range_end": "_w==", "sort_order": "DESCEND", "limit": "3"},
        {"key": "Zm8", "rangeEnd": "/w==", "sortOrder": 2, "limit": 3},
        {
            "key": "Zm8=",
            "rangeEnd": "_w",
            "sort_order": 2,
            "limit": 3,
            "revision": None,
        },
    ],
    ids=str,
)
def test_fields_have_names_and_values_of_both_kinds(given_: dict[str, Json]) -> None:
    expected = RangeRequest(key=b"fo", range_end=b"\xff", sort_order=2, limit=3)
    assert from_json(RangeRequest, given_) == expected


def test_a_value_of_a_group_is_kept_though_it_is_a_default() -> None:
    read = from_json(Compare, {"createRevision": "0", "target": "CREATE"})
    assert read == Compare(create_revision=0, target=1)
    assert to_json(read) == {"target": "CREATE", "create_revision": "0"}


WRONG: dict[str, tuple[type[Any], Json]] = {
    "no object": (PutRequest, []),
    "an unknown field": (PutRequest, {"keys": ""}),
    "one field twice": (RangeRequest, {"range_end": "", "rangeEnd": ""}),
    "two fields of a group": (Compare, {"version": "1", "lease": "1"}),
    "bytes that are a number": (PutRequest, {"key": 1}),
    "no base64": (PutRequest, {"key": "ä"}),
    "base64 of another length": (PutRequest, {"key": "abcde"}),
    "a truth that is text": (PutRequest, {"prev_kv": "true"}),
    "a number with a fraction": (PutRequest, {"lease": 1.5}),
    "a number that is a truth": (PutRequest, {"lease": True}),
    "a number that is too large": (PutRequest, {"lease": str(1 << 63)}),
    "a number of many digits": (PutRequest, {"lease": "9" * 5000}),
    "a number with a space": (PutRequest, {"lease": " 1"}),
    "a negative number without a sign": (AlarmRequest, {"memberID": "-1"}),
    "an unknown value": (RangeRequest, {"sort_order": "UPWARDS"}),
    "an unknown number": (RangeRequest, {"sort_order": 1 << 31}),
    "no list": (TxnRequest, {"compare": {}}),
    "no message": (TxnRequest, {"compare": ["k"]}),
}


@pytest.mark.parametrize("name", WRONG)
def test_json_that_is_no_message_is_refused(name: str) -> None:
    cls, value = WRONG[name]
    with pytest.raises(Malformed) as refused:
        from_json(cls, value)
    assert len(str(refused.value)) < 200


def test_the_depth_of_messages_is_bounded() -> None:
    value: Json = {}
    for _ in range(MESSAGE_DEPTH_MAX // 2 - 1):
        value = {"success": [{"request_txn": value}]}
    from_json(TxnRequest, {"success": [{"request_range": {}}]})
    from_json(TxnRequest, value)
    with pytest.raises(Malformed, match="deeper"):
        from_json(
            TxnRequest,
            {"success": [{"request_txn": {"success": [{"request_txn": value}]}}]},
        )
