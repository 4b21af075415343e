"""Etcd's calls as gRPC carries them; HTTP/1.1 carries all but the trailers."""

import struct
from functools import cache
from typing import Any, TypeVar

import pytest

from apps.etcd.calls import CALLS
from apps.etcd.grpc import UNSERVED, unframe
from apps.etcd.limits import CALL_MS_MAX, MESSAGE_BYTES_MAX
from apps.etcd.messages import (
    Compare,
    CompareTarget,
    DeleteRangeRequest,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    RequestOp,
    StatusResponse,
    TxnRequest,
    TxnResponse,
)
from apps.etcd.refusals import Refused
from apps.etcd.service import app
from apps.etcd.wire import decode, encode
from ccfpy.app import Malformed, grpc_message
from ccfpy.testing.apps import Answer
from tests.apps.etcd_kit import Etcd

T = TypeVar("T")


@cache
def shared() -> Etcd:
    return Etcd.open()


def call(path: str, message: object) -> Answer:
    return send(path, grpc_message(encode(message)))


def send(path: str, body: bytes) -> Answer:
    headers = {"content-type": "application/grpc"}
    return shared().user.post(f"/{path}", body, headers=headers)


def ask(path: str, message: object, answer: type[T]) -> T:
    answered = call(f"etcdserverpb.{path}", message)
    assert answered.status == 200, answered
    assert answered.headers["content-type"] == "application/grpc"
    return decode(answer, unframe(answered.body))


def refused(answer: Answer) -> tuple[str, str]:
    assert (answer.status, answer.body) == (200, b"")
    return answer.headers["grpc-status"], answer.headers["grpc-message"]


def test_a_key_is_set_and_read() -> None:
    put = ask("KV/Put", PutRequest(key=b"k", value=b"\xff"), PutResponse)
    assert put.header is not None
    read = ask("KV/Range", RangeRequest(key=b"k"), RangeResponse)
    assert read.header is not None
    assert (read.count, read.kvs[0].value) == (1, b"\xff")
    assert read.kvs[0].mod_revision == put.header.revision == read.header.revision


def test_what_writes_of_kubernetes_look_like() -> None:
    def write(revision: int, value: bytes) -> TxnResponse:
        request = TxnRequest(
            compare=(
                Compare(target=CompareTarget.MOD, key=b"pod", mod_revision=revision),
            ),
            success=(RequestOp(request_put=PutRequest(key=b"pod", value=value)),),
            failure=(RequestOp(request_range=RangeRequest(key=b"pod")),),
        )
        return ask("KV/Txn", request, TxnResponse)

    created = write(0, b"1")
    assert created.succeeded
    assert created.header is not None
    lost = write(0, b"2")
    assert not lost.succeeded
    found = lost.responses[0].response_range
    assert found is not None
    assert (found.kvs[0].value, found.kvs[0].version) == (b"1", 1)
    assert write(created.header.revision, b"3").succeeded


def test_a_node_answers_how_it_is() -> None:
    status = call("etcdserverpb.Maintenance/Status", RangeRequest())
    assert decode(StatusResponse, unframe(status.body)).version == "3.5.0"


def test_every_call_of_the_gateway_is_there() -> None:
    for each in CALLS:
        answer = call(f"{each.service}/{each.name}", each.request())
        assert answer.status == 200, each
        assert answer.headers.get("grpc-status") != "12", each


def test_a_refusal_is_a_status_and_a_text() -> None:
    later = RangeRequest(key=b"k", revision=1 << 40)
    assert refused(call("etcdserverpb.KV/Range", later)) == (
        "11",
        "etcdserver: mvcc: required revision is a future revision",
    )
    assert refused(call("etcdserverpb.KV/DeleteRange", DeleteRangeRequest())) == (
        "3",
        "etcdserver: key is not provided",
    )
    broken = send("etcdserverpb.KV/Put", grpc_message(b"\n\x05"))
    assert refused(broken) == (
        "3",
        "etcdserver: invalid request: field 1 ends past the message",
    )


@pytest.mark.parametrize("service", UNSERVED)
def test_a_call_that_is_not_served_is_unimplemented(service: str) -> None:
    answer = call(f"{service}/Any%25Thing", RangeRequest())
    status, text = refused(answer)
    assert status == "12"
    assert text == f"the service does not serve {service}/Any%25Thing"


def test_a_call_that_is_refused_writes_nothing() -> None:
    before = shared().service.wait_committed()
    refused(call("etcdserverpb.KV/Put", PutRequest(key=b"k", lease=99)))
    assert shared().service.wait_committed() == before


# The frame


def test_the_size_of_a_message_is_bounded() -> None:
    largest = bytes(MESSAGE_BYTES_MAX)
    assert unframe(grpc_message(largest)) == largest
    with pytest.raises(Refused, match="etcdserver: request is too large"):
        unframe(grpc_message(largest + b"\x00"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 4,
        grpc_message(b"k")[:-1],
        grpc_message(b"k") + b"\x00",
        grpc_message(b"") * 2,
    ],
    ids=bytes.hex,
)
def test_a_body_that_is_not_one_message_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        unframe(body)


def test_a_compressed_message_is_refused() -> None:
    with pytest.raises(Refused, match="reads no compressed messages"):
        unframe(struct.pack(">BI", 1, 1) + b"k")


def test_every_call_demands_a_users_certificate() -> None:
    service: Any = shared().service
    for each in CALLS:
        path = f"/{each.service}/{each.name}"
        for caller in (service.anybody, service.stranger()):
            assert caller.post(path, grpc_message(b"")).status == 401


def test_every_call_has_the_same_time() -> None:
    paths = {
        path for call in CALLS for path in (f"/{call.service}/{call.name}", *call.paths)
    }
    times = {
        endpoint.path: endpoint.execution_ms_max
        for endpoint in app.registry()
        if endpoint.path in paths
    }
    assert times == dict.fromkeys(paths, CALL_MS_MAX)
