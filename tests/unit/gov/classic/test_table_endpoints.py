"""Every table of governance can be read whole, in JSON."""

import base64
import json

import pytest

from ccfpy.base.json import Json
from ccfpy.gov.classic.api import ROWS
from ccfpy.gov.classic.endpoints import reader_of
from ccfpy.kv.maps import STRING, Map, Set, Value
from ccfpy.service.records import JSON
from ccfpy.service.served_tables import ACME_CERTIFICATES, Table, path_of, served_tables
from ccfpy.service.tables import join_policy, js, jwt, nodes, proposals, service, users
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.jwt import JwtIssuer
from ccfpy.service.tables.service import CONSTITUTION
from tests.unit.gov.classic.conftest import Classic, value_of


def read(classic: Classic, table: Table) -> Json:
    reply = classic.get(path_of(table))
    assert reply.status == 200, reply
    value: Json = json.loads(reply.body)
    return value


@pytest.mark.parametrize(
    "table", [row[0] for row in served_tables()], ids=lambda t: t.name
)
def test_each_table_is_served_whether_or_not_there_is_anything(
    classic: Classic, table: Table
) -> None:
    reply = classic.get(path_of(table))
    if isinstance(table, Value):
        assert (reply.status == 204) is not table.of(classic.governed.begin()).has()
    else:
        empty: Json = [] if isinstance(table, Set) else {}
        assert isinstance(json.loads(reply.body), type(empty))


def test_paths_are_names_with_slashes() -> None:
    assert path_of(jwt.LEGACY_METADATA) == "/kv/jwt/public_signing_keys_metadata"
    assert path_of(CONSTITUTION) == "/kv/constitution"
    assert (
        len({path_of(table) for table, _ in served_tables()})
        == len(served_tables())
        == 37
    )


def test_the_constitution_is_one_json_text(
    classic: Classic, default_constitution: str
) -> None:
    assert read(classic, CONSTITUTION) == default_constitution


def test_proposals_are_bytes_and_their_progress_is_told(classic: Classic) -> None:
    name = classic.propose()
    text = json.dumps(classic.proposal()).encode()
    assert read(classic, proposals.PROPOSALS) == {name: base64.b64encode(text).decode()}
    assert read(classic, proposals.INFO) == {
        name: {"proposer_id": classic.member_id(0), "state": "Open", "ballots": {}}
    }
    recent = value_of(classic.get("/kv/cose_recent_proposals"))
    assert list(recent.values()) == [name]


def test_records_are_what_the_service_makes_of_them(classic: Classic) -> None:
    tx = classic.governed.begin()
    jwt.ISSUERS.of(tx).put("https://i", JwtIssuer(auto_refresh=True))
    raw = Map(users.INFO.name, STRING, JSON)
    raw.of(tx).put(classic.member_id(0), {"user_data": {"a": 1}, "unknown": 2})
    classic.governed.store.commit(tx)
    assert read(classic, jwt.ISSUERS) == {"https://i": {"auto_refresh": True}}
    assert read(classic, users.INFO) == {classic.member_id(0): {"user_data": {"a": 1}}}
    (node,) = value_of(classic.get("/kv/nodes/info")).values()
    assert isinstance(node, dict)
    assert {"quote_info", "status", "rpc_interfaces"} <= node.keys()


def test_sets_are_arrays_and_measurements_objects(classic: Classic) -> None:
    tx = classic.governed.begin()
    for name in ("b", "a"):
        join_policy.VIRTUAL_HOST_DATA.of(tx).insert(name)
    join_policy.SNP_MEASUREMENTS.of(tx).put("m", CodeStatus.ALLOWED_TO_JOIN)
    classic.governed.store.commit(tx)
    hosts = read(classic, join_policy.VIRTUAL_HOST_DATA)
    assert isinstance(hosts, list)
    assert hosts[1:] == ["a", "b"]
    assert read(classic, join_policy.SNP_MEASUREMENTS) == {"m": "AllowedToJoin"}


def test_keys_of_endpoints_are_verb_and_path(classic: Classic) -> None:
    tx = classic.governed.begin()
    properties = js.EndpointProperties(forwarding_required="never", authn_policies=())
    js.ENDPOINTS.of(tx).put(js.EndpointKey("GET", "/hi"), properties)
    js.MODULES_VERSION.of(tx).put("1")
    classic.governed.store.commit(tx)
    assert read(classic, js.ENDPOINTS) == {
        "GET /hi": {"authn_policies": [], "forwarding_required": "never"}
    }
    assert read(classic, js.MODULES_VERSION) == "1"


def test_the_service_and_its_nodes_are_records(classic: Classic) -> None:
    info = value_of(classic.get("/kv/service/info"))
    assert info["status"] == "Opening"
    assert read(classic, service.CONFIGURATION) == {"recovery_threshold": 2}
    endorsed = value_of(classic.get("/kv/nodes/endorsed_certificates"))
    assert set(endorsed) == set(nodes.INFO.of(classic.governed.begin()).keys())


def test_a_reader_says_what_it_gives() -> None:
    assert reader_of(ACME_CERTIFICATES).__doc__ == (
        "Return the table ``public:ccf.gov.service.acme_certificates``."
    )


def test_single_values_alone_may_be_answered_by_nothing() -> None:
    rows = {row.path: row for row in ROWS if not row.writes}
    assert rows["/kv/service/previous_service_identity"].operation.also == {204: None}
    assert rows["/kv/members/info"].operation.also == {}
