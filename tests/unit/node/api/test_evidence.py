"""``/node/quotes`` and certificates: what a node shows of itself."""

import base64

import pytest

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.testing.node import InProcessNode
from tests.unit.node.api.test_network import ask, node_id


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quotes", "attestations"])
def test_evidence_binds_the_nodes_key(node: InProcessNode, name: str) -> None:
    own = ask(node, f"/node/{name}/self")
    listed = ask(node, f"/node/{name}")
    assert listed == {name: [own]}
    assert own["format"] == "Insecure_Virtual"
    assert own["node_id"] == node_id(node)
    evidence = VirtualEvidence.parse(base64.b64decode(str(own["raw"])))
    assert own["measurement"] == evidence.measurement.encode().hex()
    pem = str(ask(node, "/node/self_signed_certificate")["self_signed_certificate"])
    assert evidence.report_data == sha256(Certificate.from_pem(pem).public_key.der)
