"""Etcd's JSON gateway, as its users see it."""

import base64
import hmac
import json
from functools import cache
from hashlib import sha256

import pytest

from apps import etcd
from apps.etcd.calls import CALLS
from apps.etcd.gateway import parse_request
from apps.etcd.limits import (
    JSON_BYTES_MAX,
    LEASE_TTL_S_MAX,
    LEASE_TTL_S_MIN,
    LEASED_BYTES_LISTED_MAX,
    LEASED_KEYS_LISTED_MAX,
)
from apps.etcd.messages import PutRequest
from apps.etcd.refusals import Refused
from ccfpy.app import TxId
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import COMMIT_WAIT_MS_MAX
from ccfpy.client.receipts import verify_receipt
from ccfpy.http.messages import Request, serialise_request
from ccfpy.ledger.receipt import Receipt
from ccfpy.testing.apps import Service
from tests.apps.etcd_kit import Etcd, b64
from tests.unit.endpoints.test_openapi import check

ALL: JsonObject = {"key": b64(b"\x00"), "range_end": b64(b"\x00")}


@cache
def shared() -> Etcd:
    """Return a service for tests that look at nothing but their own keys."""
    return Etcd.open()


@pytest.fixture
def fresh() -> Etcd:
    return Etcd.open()


def revision_of(answer: JsonObject) -> int:
    header = answer["header"]
    assert isinstance(header, dict)
    return int(str(header["revision"]))


def test_a_key_is_set_read_and_deleted(fresh: Etcd) -> None:
    assert revision_of(fresh.put(b"foo", b"bar")) == 2
    assert revision_of(fresh.put(b"foo2", b"")) == 3
    read = fresh.ask("kv/range", key=b64(b"foo"), range_end=b64(b"fop"))
    header = read.pop("header")
    assert isinstance(header, dict)
    assert set(header) == {"cluster_id", "member_id", "revision", "raft_term"}
    assert read == {
        "kvs": [
            {
                "key": b64(b"foo"),
                "create_revision": "2",
                "mod_revision": "2",
                "version": "1",
                "value": b64(b"bar"),
            },
            {
                "key": b64(b"foo2"),
                "create_revision": "3",
                "mod_revision": "3",
                "version": "1",
            },
        ],
        "count": "2",
    }
    deleted = fresh.ask("kv/deleterange", **ALL, prev_kv=True)
    assert (deleted["deleted"], revision_of(deleted)) == ("2", 4)
    empty = fresh.ask("kv/range", **ALL)
    assert set(empty) == {"header"}
    assert fresh.ask("kv/range", **ALL, revision=3)["count"] == "2"


def test_a_revision_is_the_stores_own_whatever_else_the_ledger_has(fresh: Etcd) -> None:
    first = revision_of(fresh.put(b"k", b"1"))
    before = len(fresh.service.ledger)
    assert fresh.value_of(b"k") == b"1"
    fresh.ask("kv/deleterange", key=b64(b"none"))
    fresh.service.wait_committed()
    assert len(fresh.service.ledger) > before
    assert revision_of(fresh.put(b"k", b"2")) == first + 1


def test_a_write_is_answered_once_it_is_final() -> None:
    etcd_ = shared()
    answer = etcd_.post("kv/put", {"key": b64(b"final")})
    assert answer.txid is not None
    assert etcd_.service.nodes[0].host.commit >= answer.txid.seqno


def test_a_write_is_answered_earlier_if_the_caller_asks() -> None:
    etcd_ = shared()
    body: JsonObject = {"key": b64(b"early")}
    answer = etcd_.post("kv/put", body, x_ccfpy_answer="applied")
    assert (answer.status, answer.txid is not None) == (200, True)
    assert answer.txid is not None
    assert etcd_.service.nodes[0].host.commit < answer.txid.seqno
    read = etcd_.post("kv/range", body, x_ccfpy_answer="applied")
    assert read.object()["count"] == "1"


def test_a_read_is_confirmed_by_the_ledger_unless_it_is_serializable() -> None:
    etcd_ = shared()
    etcd_.service.wait_committed()

    def confirmed() -> int:
        return len(etcd_.service.ledger.writes("public:etcd.confirmed"))

    before = confirmed()
    etcd_.ask("kv/range", **ALL, serializable=True)
    assert confirmed() == before
    etcd_.ask("kv/range", **ALL)
    assert confirmed() == before + 1


def test_a_serializable_read_waits_until_what_it_read_is_final() -> None:
    etcd_ = shared()
    body: JsonObject = {"key": b64(b"pending")}
    written = etcd_.post("kv/put", body, x_ccfpy_answer="applied")
    etcd_.ask("kv/range", **body, serializable=True)
    assert written.txid is not None
    assert etcd_.service.nodes[0].host.commit >= written.txid.seqno


def test_keys_and_values_are_private(fresh: Etcd) -> None:
    fresh.put(b"kept-to-us-key", b"kept-to-us-value")
    fresh.ask("lease/grant", TTL="60", ID="7")
    tables = {
        name
        for each in fresh.service.ledger.transactions()
        for name in each.domain.write_set
    }
    assert {name for name in tables if "etcd" in name} <= {"public:etcd.confirmed"}
    entries = b"".join(each for each in fresh.service.nodes[0].host.entries)
    assert b"kept-to-us" not in entries


def test_a_transaction_compares_and_writes_at_one_revision(fresh: Etcd) -> None:
    request: JsonObject = {
        "compare": [{"target": "CREATE", "key": b64(b"k"), "create_revision": "0"}],
        "success": [
            {"request_put": {"key": b64(b"k"), "value": b64(b"v")}},
            {"requestPut": {"key": b64(b"l")}},
            {"request_range": ALL},
        ],
        "failure": [{"request_range": {"key": b64(b"k")}}],
    }
    first = fresh.ask("kv/txn", **request)
    assert (first["succeeded"], revision_of(first)) == (True, 2)
    responses = first["responses"]
    assert isinstance(responses, list)
    assert responses[0] == {"response_put": {"header": {"revision": "2"}}}
    second = fresh.ask("kv/txn", **request)
    assert "succeeded" not in second
    assert revision_of(second) == 2
    assert isinstance(second["responses"], list)
    assert "response_range" in str(second["responses"][0])


def test_older_revisions_are_compacted(fresh: Etcd) -> None:
    for value in (b"1", b"2", b"3"):
        fresh.put(b"k", value)
    assert fresh.ask("kv/range", key=b64(b"k"), revision="2")["count"] == "1"
    fresh.ask("kv/compaction", revision="3", physical=True)
    compacted = (400, 11, "etcdserver: mvcc: required revision has been compacted")
    assert fresh.refused("kv/range", key=b64(b"k"), revision="2") == compacted
    assert fresh.refused("kv/compaction", revision="3") == compacted
    future = (400, 11, "etcdserver: mvcc: required revision is a future revision")
    assert fresh.refused("kv/compaction", revision="9") == future
    assert fresh.refused("kv/range", key=b64(b"k"), revision="9") == future
    assert fresh.ask("kv/range", key=b64(b"k"), revision="3")["count"] == "1"


# Leases


def test_a_lease_ends_and_its_keys_with_it(fresh: Etcd) -> None:
    granted = fresh.ask("lease/grant", TTL="10")
    lease = granted["ID"]
    assert (granted["TTL"], int(str(lease)) > 0) == ("10", True)
    fresh.put(b"k", b"v", lease=lease)
    fresh.service.advance(5_000)
    lives = fresh.ask("lease/timetolive", ID=lease, keys=True)
    assert lives["grantedTTL"] == "10"
    assert 3 <= int(str(lives["TTL"])) <= 5
    assert lives["keys"] == [b64(b"k")]
    assert fresh.ask("kv/lease/leases")["leases"] == [{"ID": lease}]
    renewed = fresh.ask("lease/keepalive", ID=lease)["result"]
    assert isinstance(renewed, dict)
    assert (renewed["ID"], renewed["TTL"]) == (lease, "10")
    fresh.service.advance(7_000)
    assert fresh.value_of(b"k") == b"v"
    fresh.service.advance(4_000)
    assert fresh.value_of(b"k") is None
    over = fresh.ask("lease/timetolive", ID=lease)
    assert (over["TTL"], "grantedTTL" in over) == ("-1", False)
    gone = fresh.ask("lease/keepalive", ID=lease)["result"]
    assert isinstance(gone, dict)
    assert "TTL" not in gone
    assert revision_of(over) == 3


def test_a_lease_ends_though_nobody_asks(fresh: Etcd) -> None:
    fresh.ask("lease/grant", TTL="10", ID="7")
    fresh.put(b"k", b"", lease="7")
    fresh.service.advance(9_000)
    assert fresh.ask("kv/range", **ALL, serializable=True)["count"] == "1"
    fresh.service.advance(3_000)
    gone = fresh.ask("kv/range", **ALL, serializable=True)
    assert ("count" in gone, revision_of(gone)) == (False, 3)


def test_a_lease_is_revoked(fresh: Etcd) -> None:
    fresh.ask("lease/grant", TTL="10", ID="7")
    fresh.put(b"k", b"", lease="7")
    fresh.ask("kv/lease/revoke", ID="7")
    assert fresh.value_of(b"k") is None
    unknown = (404, 5, "etcdserver: requested lease not found")
    assert fresh.refused("lease/revoke", ID="7") == unknown
    body: JsonObject = {"key": b64(b"k"), "lease": "7"}
    assert fresh.refused("kv/put", **body) == unknown


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize(
    ("bound", "most", "why"),
    [
        ("LEASED_KEYS_LISTED_MAX", 3, " has more than {} keys"),
        ("LEASED_BYTES_LISTED_MAX", 6, "'s keys are longer than {} bytes"),
    ],
)
def test_the_keys_of_a_lease_are_listed_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
    fresh: Etcd,
    bound: str,
    most: int,
    why: str,
    excess: int,
) -> None:
    assert (LEASED_KEYS_LISTED_MAX, LEASED_BYTES_LISTED_MAX) == (10_000, 8 << 20)
    monkeypatch.setattr(f"apps.etcd.calls.{bound}", most - excess)
    fresh.ask("lease/grant", TTL="10", ID="7")
    names = (b"a", b"bb", b"ccc")
    for name in names:
        fresh.put(name, b"", lease="7")
    if not excess:
        listed = fresh.ask("lease/timetolive", ID="7", keys=True)
        assert listed["keys"] == [b64(name) for name in names]
        return
    text = f"etcdserver: the lease{why.format(most - 1)}"
    assert fresh.refused("lease/timetolive", ID="7", keys=True) == (429, 8, text)
    assert "TTL" in fresh.ask("lease/timetolive", ID="7")


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("-1", LEASE_TTL_S_MIN),
        ("0", LEASE_TTL_S_MIN),
        (str(LEASE_TTL_S_MIN + 1), LEASE_TTL_S_MIN + 1),
        (str(LEASE_TTL_S_MAX), LEASE_TTL_S_MAX),
    ],
)
def test_the_time_of_a_lease_is_bounded(asked: str, granted: int) -> None:
    assert shared().ask("lease/grant", TTL=asked)["TTL"] == str(granted)


def test_a_lease_that_exists_or_is_too_long_is_refused() -> None:
    shared().ask("lease/grant", TTL="10", ID="77")
    exists = (400, 9, "etcdserver: lease already exists")
    assert shared().refused("lease/grant", TTL="10", ID="77") == exists
    too_long = (400, 11, "etcdserver: too large lease TTL")
    assert shared().refused("lease/grant", TTL=str(LEASE_TTL_S_MAX + 1)) == too_long


# The service


def test_the_node_tells_how_it_is() -> None:
    status = shared().ask("maintenance/status")
    header = status["header"]
    assert isinstance(header, dict)
    assert (status["version"], status["leader"]) == ("3.5.0", header["member_id"])
    assert int(str(status["raftIndex"])) > 0
    assert set(shared().ask("maintenance/alarm", action="GET")) == {"header"}
    changed = shared().refused("maintenance/alarm", action="ACTIVATE")
    assert changed == (501, 12, "the service does not serve changes of alarms")
    listed = shared().ask("cluster/member/list")["members"]
    assert isinstance(listed, list)
    (member,) = listed
    assert isinstance(member, dict)
    assert member["ID"] == header["member_id"]


# Who may call, and what is refused


@pytest.mark.parametrize(
    "path", [path for call in CALLS for path in call.paths], ids=str
)
def test_nobody_calls_without_a_users_certificate(path: str) -> None:
    for caller in (shared().service.anybody, shared().service.stranger()):
        refused = caller.post(path, {})
        assert (refused.status, refused.error) == (401, "InvalidAuthenticationInfo")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "etcdserver: invalid request: "),
        (b'{"key":"k"}', 'etcdserver: invalid request: "key" is no base64'),
        (b'{"kex":""}', 'etcdserver: invalid request: unknown field "kex"'),
        (b"[]", "etcdserver: invalid request: "),
        (b"", "etcdserver: key is not provided"),
    ],
    ids=str,
)
def test_a_body_that_is_no_request_is_refused(body: bytes, text: str) -> None:
    refused = shared().post("kv/put", body)
    told = refused.object()
    assert (refused.status, told["code"]) == (400, 3)
    assert str(told["error"]).startswith(text)


def test_the_size_of_a_request_is_bounded() -> None:
    largest = b'{"key":"aw=="}'.ljust(JSON_BYTES_MAX)
    assert parse_request(PutRequest, largest) == PutRequest(key=b"k")
    with pytest.raises(Refused, match="etcdserver: request is too large"):
        parse_request(PutRequest, largest + b" ")


def test_the_interface_is_described() -> None:
    document = shared().service.anybody.get("/app/api").object()
    check(document)
    paths = document["paths"]
    assert isinstance(paths, dict)
    assert "/v3/kv/range" in str(sorted(paths))
    assert "etcdserverpb" not in json.dumps(document)


# Receipts


def test_a_receipt_proves_a_write(fresh: Etcd) -> None:
    fresh.ask(
        "kv/txn",
        success=[
            {"request_put": {"key": b64(b"a"), "value": b64(b"1")}},
            {"request_put": {"key": b64(b"b"), "value": b64(b"2")}},
        ],
    )
    fresh.put(b"a", b"3")
    told = fresh.ask("kv/receipt", key=b64(b"b"))
    assert told["event"] == {
        "kv": {
            "key": b64(b"b"),
            "create_revision": "2",
            "mod_revision": "2",
            "version": "1",
            "value": b64(b"2"),
        }
    }
    check_claim(fresh, told, effects=2)
    last = fresh.ask("kv/receipt", key=b64(b"a"))
    check_claim(fresh, last, effects=1)
    first = fresh.ask("kv/receipt", key=b64(b"a"), revision="2")
    check_claim(fresh, first, effects=2)
    assert first["transaction"] == told["transaction"]


def check_claim(etcd_: Etcd, told: JsonObject, *, effects: int) -> None:
    """Check as anybody can: from the effect to the digest that the receipt proves."""
    claim, receipt = told["claim"], told["receipt"]
    assert isinstance(claim, dict)
    assert isinstance(claim["digests"], list)
    digests = [base64.b64decode(str(each)) for each in claim["digests"]]
    key, effect = (base64.b64decode(str(claim[each])) for each in ("key", "effect"))
    assert len(digests) == effects
    assert hmac.digest(key, effect, "sha256") in digests
    verify_receipt(
        Receipt.parse(json.dumps(receipt).encode()),
        service_certificate=etcd_.service.certificate,
        txid=TxId.parse(str(told["transaction"])),
        claims_digest=sha256(b"".join(digests)).digest(),
    )


def test_there_is_a_receipt_of_a_deletion_by_its_revision(fresh: Etcd) -> None:
    fresh.put(b"k", b"v")
    fresh.ask("kv/deleterange", key=b64(b"k"))
    told = fresh.ask("kv/receipt", key=b64(b"k"), revision="3")
    assert told["event"] == {
        "type": "DELETE",
        "kv": {"key": b64(b"k"), "mod_revision": "3"},
    }
    check_claim(fresh, told, effects=1)


def test_there_is_no_receipt_of_what_was_not_written(fresh: Etcd) -> None:
    unknown = (400, 3, "etcdserver: key not found")
    assert fresh.refused("kv/receipt", key=b64(b"k")) == unknown
    fresh.put(b"k", b"v")
    fresh.put(b"l", b"v")
    assert fresh.refused("kv/receipt", key=b64(b"k"), revision="3") == unknown
    assert fresh.refused("kv/receipt", key="")[2] == "etcdserver: key is not provided"
    fresh.ask("kv/compaction", revision="3")
    compacted = "etcdserver: mvcc: required revision has been compacted"
    assert fresh.refused("kv/receipt", key=b64(b"k"))[2] == compacted
    fresh.ask("lease/grant", TTL="2", ID="7")
    fresh.put(b"m", b"", lease="7")
    fresh.service.advance(3_000)
    assert fresh.value_of(b"m") is None
    ended = fresh.refused("kv/receipt", key=b64(b"m"), revision="5")
    assert ended == (404, 5, "the revision was the end of a lease: no claim")


def test_a_write_that_is_not_final_has_no_receipt_yet() -> None:
    etcd_ = shared()
    etcd_.post("kv/put", {"key": b64(b"soon")}, x_ccfpy_answer="applied")
    early = etcd_.refused("kv/receipt", key=b64(b"soon"))
    assert early[:2] == (503, 14)
    etcd_.service.wait_committed()
    assert "receipt" in etcd_.ask("kv/receipt", key=b64(b"soon"))


# Several nodes


@pytest.mark.slow
def test_any_node_takes_any_call() -> None:
    service = Service.open(etcd.app, nodes=3)
    primary = service.wait_primary()
    backups = [node for node in service.nodes if node is not primary]
    here = Etcd(service, service.user().at(backups[0]))
    there = Etcd(service, service.user().at(backups[1]))
    here.put(b"k", b"v")
    assert there.value_of(b"k") == b"v"
    nearby = there.ask("kv/range", key=b64(b"k"), serializable=True)
    assert nearby["count"] == "1"
    members = {str(each.ask("maintenance/status")["leader"]) for each in (here, there)}
    assert members == {str(int(primary.node_id[:16], 16))}
    listed = here.ask("cluster/member/list")["members"]
    assert isinstance(listed, list)
    assert len(listed) == 3


@pytest.mark.slow
def test_a_primary_alone_answers_no_read_but_a_serializable_one() -> None:
    service = Service.open(etcd.app, nodes=3)
    primary = service.wait_primary()
    user = Etcd(service, service.user().at(primary))
    user.put(b"k", b"v")
    service.wait_committed()
    for node in service.nodes:
        if node is not primary:
            service.kill(node)
    nearby = user.ask("kv/range", key=b64(b"k"), serializable=True)
    assert nearby["count"] == "1"
    asked = b'{"key":"aw=="}'
    request = Request(method="POST", path="/v3/kv/range", body=asked)
    connection = primary.connect(user.user.person)
    answers = connection.send(serialise_request(request))
    for _ in range(COMMIT_WAIT_MS_MAX // 1000 + 1):
        assert not answers
        service.advance(1000)
        answers = connection.receive()
        if answers:
            break
    (answer,) = answers
    assert answer.status == 503
    assert b"etcdserver: request timed out" in answer.body


def test_users_and_roles_are_not_in_use() -> None:
    etcd_ = shared()
    assert etcd_.ask("auth/status")["authRevision"] == "1"
    assert "enabled" not in etcd_.ask("auth/status")
    for path in ("auth/user/list", "auth/role/list"):
        assert set(etcd_.ask(path)) == {"header"}
    text = "etcdserver: authentication is not enabled"
    assert etcd_.refused("auth/authenticate", name="root") == (400, 9, text)
    text = "etcdserver: root user does not exist"
    assert etcd_.refused("auth/enable") == (400, 9, text)


def test_what_is_said_of_the_nodes_is_of_no_revision() -> None:
    header = shared().ask("cluster/member/list")["header"]
    assert isinstance(header, dict)
    assert "revision" not in header


def test_alarms_are_asked_of_a_quorum() -> None:
    answer = shared().post("maintenance/alarm", {})
    assert answer.txid is not None, "the ledger confirms that the node led"
    assert shared().service.nodes[0].host.commit >= answer.txid.seqno
