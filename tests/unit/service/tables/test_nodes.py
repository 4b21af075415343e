"""Nodes are recorded in both of CCF's network forms."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.schema import schema_of
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.service.tables.nodes import (
    INFO,
    Authority,
    Endorsement,
    EvidenceFormat,
    NetInterface,
    NodeInfo,
    QuoteFormat,
    QuoteInfo,
    SizeText,
)

QUOTE = QuoteInfo(format=QuoteFormat.INSECURE_VIRTUAL, quote=b"{}", endorsements=b"")
INFO_CODEC = INFO.value_codec


def a_node(interfaces: dict[str, NetInterface]) -> NodeInfo:
    return NodeInfo(
        node_to_node_interface=NetInterface(bind_address="10.0.0.1:5"),
        rpc_interfaces=interfaces,
        quote_info=QUOTE,
        encryption_pub_key="PEM",
    )


def test_a_node_names_its_first_interface_twice() -> None:
    info = a_node(
        {
            "b": NetInterface(bind_address="b:1"),
            "a": NetInterface(
                bind_address="127.0.0.1:80",
                published_address="example.com:81",
                endorsement=Endorsement(authority=Authority.SERVICE),
            ),
        }
    )
    written = json.loads(INFO_CODEC.encode(info))
    assert (written["nodehost"], written["nodeport"]) == ("10.0.0.1", "5")
    assert (written["rpchost"], written["rpcport"]) == ("127.0.0.1", "80")
    assert (written["pubhost"], written["pubport"]) == ("example.com", "81")
    assert written["rpc_interfaces"]["a"]["endorsement"] == {"authority": "Service"}
    assert "ledger_secret_seqno" not in written
    assert list(written) == sorted(written)


def test_a_node_without_interfaces_names_none() -> None:
    written = json.loads(INFO_CODEC.encode(a_node({})))
    assert written["rpchost"] == written["pubport"] == ""


def test_a_node_of_the_first_form_alone_is_read() -> None:
    old = {
        "nodehost": "n",
        "nodeport": "1",
        "rpchost": "r",
        "rpcport": "2",
        "pubhost": "p",
        "pubport": "3",
        "quote_info": {"format": "OE_SGX_v1", "quote": "", "endorsements": ""},
        "encryption_pub_key": "PEM",
        "status": "Trusted",
    }
    info = INFO_CODEC.decode(json.dumps(old).encode())
    assert info.node_to_node_interface.bind_address == "n:1"
    interface = info.rpc_interfaces["primary_rpc_interface"]
    assert (interface.bind_address, interface.published_address) == ("r:2", "p:3")
    del old["pubport"]
    with pytest.raises(Malformed, match="pubport"):
        INFO_CODEC.decode(json.dumps(old).encode())


HOSTS = st.from_regex(r"[a-z]{1,5}:[0-9]{1,5}", fullmatch=True)
INTERFACES = st.builds(
    NetInterface,
    bind_address=HOSTS,
    published_address=HOSTS,
    app_protocol=st.none() | st.sampled_from(["HTTP1", "HTTP2"]),
    max_open_sessions_soft=st.none() | st.integers(0, 1000),
    accepted_endpoints=st.none() | st.tuples(st.text()),
    endorsement=st.none()
    | st.builds(Endorsement, authority=st.sampled_from(Authority)),
)


@pytest.mark.slow
@given(
    st.dictionaries(st.text(max_size=4), INTERFACES, max_size=3),
    st.sampled_from(NodeStatus),
    st.booleans(),
)
def test_a_node_survives_being_written(
    interfaces: dict[str, NetInterface], status: NodeStatus, retired: bool
) -> None:
    info = NodeInfo(
        node_to_node_interface=NetInterface(bind_address="10.0.0.1:5"),
        rpc_interfaces=interfaces,
        quote_info=QUOTE,
        encryption_pub_key="PEM",
        status=status,
        retired_committed=retired,
    )
    assert INFO_CODEC.decode(INFO_CODEC.encode(info)) == info


@pytest.mark.parametrize("text", ["1", "16KB", "1TB"])
def test_a_size_is_a_number_with_a_unit(text: str) -> None:
    assert schema_of(SizeText).read(text) == text
    with pytest.raises(Malformed):
        schema_of(SizeText).read(text.lower() + "b")


def test_documents_state_the_formats_of_evidence_that_ccf_knows() -> None:
    described = schema_of(EvidenceFormat).components["QuoteFormat"]
    assert isinstance(described, dict)
    ours = QuoteFormat.INSECURE_SIMULATED
    assert described["enum"] == [each.value for each in QuoteFormat if each is not ours]
