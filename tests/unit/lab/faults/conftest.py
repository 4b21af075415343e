"""A service whose only node is gone."""

from pathlib import Path

import pytest

from ccfpy.client.keys import generate_keys
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess


@pytest.fixture
def options(tmp_path: Path) -> ServiceOptions:
    """The options of a service that never started, with the keys of ``user0``."""
    made = ServiceOptions(
        workspace=tmp_path, app="faults", constitution=(), program=("node",)
    )
    generate_keys(made.keys("user0"), with_encryption_key=False)
    certificate = made.keys("user0").certificate.read_text()
    made.service_certificate.write_text(certificate)
    return made


@pytest.fixture
def network(options: ServiceOptions) -> ProcessNetwork:
    """The service's network, in which no node serves."""
    return ProcessNetwork(options)


@pytest.fixture
def gone(options: ServiceOptions) -> NodeProcess:
    """The service's node, at an address where nothing listens."""
    node = NodeProcess(options, 0, Placement())
    node.address = "127.0.0.1:1"
    return node
