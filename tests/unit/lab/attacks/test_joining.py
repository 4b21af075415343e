"""A stranger's request to join is one that a node reads."""

import json
from pathlib import Path

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.client.keys import generate_keys
from ccfpy.crypto.ec import Curve
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from ccfpy.service.join_messages import JOIN_REQUEST
from tests.lab.attacks.attack import Target
from tests.lab.attacks.joining import NODE_DATA_BYTES, Stranger
from tests.unit.attestation.evidence import virtual_evidence


def test_a_stranger_asks_as_a_node_would(tmp_path: Path) -> None:
    options = ServiceOptions(
        workspace=tmp_path, app="logging", constitution=[], program=["none"]
    )
    generate_keys(
        options.keys("member0"), curve=Curve.SECP256R1, with_encryption_key=True
    )
    target = Target(
        network=ProcessNetwork(options),
        primary=NodeProcess(options, 0, Placement()),
        folder=tmp_path,
    )
    stranger = Stranger.make(target, "stranger")
    body = stranger.request(
        target, host_data="00", address="127.0.0.1:1", node_data="x" * NODE_DATA_BYTES
    )
    assert len(body) < 1 << 20, "more than a node reads"
    request = JOIN_REQUEST.read(json.loads(body))
    assert request.node_info_network.node_to_node_interface.published_address
    evidence = VirtualEvidence.parse(request.quote_info.quote)
    assert evidence.host_data == "00"
    assert evidence == virtual_evidence(
        public_key_der=stranger.key.public_key.der, executable_digest="00"
    )
