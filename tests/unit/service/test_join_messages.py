"""The request to join and its answer keep their fields, and nothing shows a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service.join_messages import (
    JOIN_REQUEST,
    JOIN_RESPONSE,
    CoseSignaturesConfig,
    JoinRequest,
    JoinResponse,
    NetworkInfo,
    NodeNetwork,
    SharedIdentity,
)
from ccfpy.service.tables.nodes import NetInterface, QuoteFormat, QuoteInfo

REQUEST = JoinRequest(
    node_info_network=NodeNetwork(
        node_to_node_interface=NetInterface(
            bind_address="127.0.0.1:1", published_address="node.example:2"
        ),
        rpc_interfaces={"main": NetInterface(bind_address="127.0.0.1:3")},
    ),
    quote_info=QuoteInfo(
        format=QuoteFormat.INSECURE_VIRTUAL, quote=b"{}", endorsements=b""
    ),
    public_encryption_key="PEM",
    startup_seqno=7,
    certificate_signing_request="CSR",
    node_data={"rack": 1},
)
SECRET = LedgerSecret(raw=b"S" * 32)
LATER = LedgerSecret(raw=b"T" * 32, previous_stored=5)
RESPONSE = JoinResponse(
    node_status=NodeStatus.TRUSTED,
    node_id=NodeId("ab" * 32),
    network_info=NetworkInfo(
        public_only=False,
        last_recovered_signed_idx=0,
        ledger_secrets=LedgerSecrets([(1, SECRET), (9, LATER)]),
        identity=SharedIdentity(cert="CERT", priv_key="PRIVATE"),
        service_status=ServiceStatus.OPEN,
        endorsed_certificate="ENDORSED",
        cose_signatures_config=CoseSignaturesConfig(issuer="i", subject="s"),
    ),
)


def written() -> dict[str, Json]:
    value = json.loads_object(json.dumps(JOIN_RESPONSE.write(RESPONSE)))
    info = value["network_info"]
    assert isinstance(info, dict)
    return info


def test_a_request_is_read_as_it_was_written() -> None:
    text = json.dumps(JOIN_REQUEST.write(REQUEST))
    assert JOIN_REQUEST.read(json.loads(text)) == REQUEST


def test_a_request_states_the_network_in_both_forms() -> None:
    value = JOIN_REQUEST.write(REQUEST)
    assert isinstance(value, dict)
    network = value["node_info_network"]
    assert isinstance(network, dict)
    assert network["nodehost"] == "127.0.0.1"
    assert network["rpcport"] == "3"
    assert network["node_to_node_interface"] == {
        "bind_address": "127.0.0.1:1",
        "published_address": "node.example:2",
    }


def test_a_response_has_the_fields_that_nodes_of_ccf_read() -> None:
    assert written() == {
        "public_only": False,
        "last_recovered_signed_idx": 0,
        "ledger_secrets": [
            [1, {"raw_key": "U1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1M="}],
            [
                9,
                {
                    "raw_key": "VFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFQ=",
                    "previous_secret_stored_version": 5,
                },
            ],
        ],
        "identity": {"cert": "CERT", "priv_key": "PRIVATE"},
        "service_status": "Open",
        "endorsed_certificate": "ENDORSED",
        "cose_signatures_config": {"issuer": "i", "subject": "s"},
    }


def test_a_response_is_read_as_it_was_written() -> None:
    read = JOIN_RESPONSE.read(json.loads(json.dumps(JOIN_RESPONSE.write(RESPONSE))))
    assert read.network_info is not None
    assert list(read.network_info.ledger_secrets) == [(1, SECRET), (9, LATER)]
    assert JOIN_RESPONSE.write(read) == JOIN_RESPONSE.write(RESPONSE)


def test_a_pending_node_is_told_nothing_more() -> None:
    pending = JoinResponse(node_status=NodeStatus.PENDING, node_id=NodeId("ab" * 32))
    assert JOIN_RESPONSE.write(pending) == {
        "node_status": "Pending",
        "node_id": "ab" * 32,
    }


def test_no_secret_is_in_the_words_for_a_response() -> None:
    for words in (repr(RESPONSE), str(RESPONSE)):
        assert "PRIVATE" not in words
        assert "SSSS" not in words


@pytest.mark.parametrize(
    "secrets",
    [
        None,
        [],
        {},
        [[1]],
        [1],
        [["1", {"raw_key": "AA=="}]],
        [[1, {"raw_key": "AA=="}]],
        [[1, {}]],
        [[1, {"raw_key": "A" * 43 + "="}], [1, {"raw_key": "A" * 43 + "="}]],
    ],
)
def test_secrets_in_another_form_are_refused(secrets: Json) -> None:
    info: Json = written() | {"ledger_secrets": secrets}
    value: Json = {"node_status": "Trusted", "network_info": info}
    with pytest.raises(Malformed):
        JOIN_RESPONSE.read(value)


JOIN_KEYS = (
    "node_info_network",
    "quote_info",
    "public_encryption_key",
    "startup_seqno",
    "node_to_node_interface",
    "rpc_interfaces",
    "format",
    "node_status",
    "network_info",
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(JOIN_KEYS) | st.text(max_size=3), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_anything_else_is_malformed_or_read(value: Json) -> None:
    for form in (JOIN_REQUEST, JOIN_RESPONSE):
        try:
            form.read(value)
        except Malformed:
            continue
