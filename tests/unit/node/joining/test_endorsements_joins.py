"""A service whose nodes are guests on real processors: who may join it."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.boundary.configuration import AttestationConfiguration, NodeConfiguration
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.attestation.hardware import report_of
from tests.unit.enclave.platforms.test_snp import guest
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.joining.test_endorsements import THIM

MILAN = report_of("milan")
HOST_DATA = MILAN[0x0C0:0x0E0].hex()
MEASUREMENT = MILAN[0x090:0x0C0].hex()


def _with_certificates(configuration: NodeConfiguration) -> NodeConfiguration:
    file = base64.b64encode(THIM)
    attestation = AttestationConfiguration(snp_endorsements=file)
    return replace(configuration, attestation=attestation)


@pytest.fixture
def guests(members: tuple[Person, ...], alice: Person) -> Network:
    """An open service of one guest on a Milan processor.

    The recorded report is about nobody's key here, so that no other can join by it.
    """
    network = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        configure=_with_certificates,
    )
    network.platform = guest(lambda _: MILAN)
    network.start()
    network.advance(200)
    network.nodes[0].open_service(alice)
    return network


def reason(node: InProcessNode) -> str:
    assert node.host.stop is not None
    return node.host.stop.reason


@attack("join: evidence of another node's key")
def test_a_copy_of_the_first_nodes_evidence_fails_by_its_key_alone(
    guests: Network,
) -> None:
    thief = guests.join()
    guests.deliver()
    assert "report data does not contain node's public key hash" in reason(thief)


@attack("join: evidence of another platform")
def test_a_virtual_node_does_not_join_guests(guests: Network) -> None:
    guests.platform = None
    virtual = guests.join()
    guests.deliver()
    assert "Quote host data is not authorised" in reason(virtual)


@attack("join: evidence of another platform")
def test_a_guest_does_not_join_virtual_nodes(network: Network) -> None:
    network._configure = _with_certificates
    network.platform = guest(lambda _: MILAN)
    joiner = network.join()
    network.deliver()
    assert "Quote host data is not authorised" in reason(joiner)


Change = Callable[[InProcessNode], object]


def _propose(name: str, **args: str) -> Change:
    return lambda node: node.propose({"name": name, "args": {**args}})


@attack("join: a measurement that nobody allowed", "remove_snp_measurement")
@attack("join: host data that nobody allowed", "remove_snp_host_data")
@attack(
    "join: a processor or firmware that is out of date",
    "set_snp_minimum_tcb_version_hex",
    "remove_snp_minimum_tcb_version",
)
@pytest.mark.parametrize(
    ("name", "args", "answer"),
    [
        (
            "remove_snp_host_data",
            {"host_data": HOST_DATA},
            "Quote host data is not authorised",
        ),
        (
            "remove_snp_measurement",
            {"measurement": MEASUREMENT},
            "Quote does not contain known enclave measurement",
        ),
        (
            "set_snp_minimum_tcb_version_hex",
            {"cpuid": "00a00f11", "tcb_version": "dc18000000000004"},
            "Unknown quote verification error",
        ),
        (
            "remove_snp_minimum_tcb_version",
            {"cpuid": "00a00f11"},
            "Unknown quote verification error",
        ),
    ],
)
def test_what_members_decide_is_asked_before_the_key(
    guests: Network, name: str, args: dict[str, str], answer: str
) -> None:
    _propose(name, **args)(guests.nodes[0])
    late = guests.join()
    guests.deliver()
    guests.advance(100)
    told = [line.message for line in late.host.logs]
    stopped = "" if late.host.stop is None else late.host.stop.reason
    assert any(answer in line for line in (*told, stopped))
