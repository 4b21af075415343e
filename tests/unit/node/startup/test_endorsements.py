"""A node on SEV-SNP fetches the endorsements of its evidence before it joins."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from ccfpy.base import json
from ccfpy.boundary.configuration import AttestationConfiguration, NodeConfiguration
from ccfpy.crypto.certs import parse_bundle
from ccfpy.node.startup import endorsements
from ccfpy.node.startup.endorsements import RETRY_AFTER_S, RETRY_AFTER_S_MAX
from ccfpy.service.tables import join_policy, nodes
from ccfpy.testing.configuration import boot_of, listener, starting
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.attestation.hardware import chain_of, report_of
from tests.unit.enclave.platforms.test_snp import guest
from tests.unit.node.certificate_servers import FAILS, HANGS_UP, Answer, Relay, serving
from tests.unit.node.conftest import CONSTITUTION, NotesApp

CHAIN = chain_of("milan")
REPORT = report_of("milan")
CHIP_ID = REPORT[0x1A0:0x1E0].hex()
TCB = "db18000000000004"
THIM = json.dumps(
    {
        "vcekCert": CHAIN.decode().partition("-----END CERTIFICATE-----\n")[0]
        + "-----END CERTIFICATE-----\n",
        "certificateChain": CHAIN.decode().partition("-----END CERTIFICATE-----\n")[2],
        "cacheControl": "86400",
        "tcbm": TCB.upper(),
    }
)
DER, ABOVE = (
    parse_bundle(CHAIN)[0].der,
    "".join(c.pem for c in parse_bundle(CHAIN)[1:]).encode(),
)
GOOD = Answer(body=CHAIN)


@dataclass
class Guest:
    """A node on a Milan processor, and the host that relays for it."""

    node: InProcessNode
    relay: Relay

    def carry(self) -> None:
        self.relay.carry(self.node)

    def wait(self, seconds: int) -> None:
        self.node.advance(1000 * seconds)
        self.carry()

    @property
    def log(self) -> list[str]:
        return [line.message for line in self.node.host.logs]

    @property
    def reason(self) -> str:
        assert self.node.host.stop is not None
        return self.node.host.stop.reason

    @property
    def is_service_there(self) -> bool:
        return "Created service" in self.log


Boot = Callable[..., Guest]


@pytest.fixture
def boot(members: tuple[Person, ...]) -> Boot:
    def run(
        servers: Sequence[tuple[str, str, int]] = (), **files: bytes | None
    ) -> Guest:
        configuration = replace(
            starting(
                constitution=CONSTITUTION,
                members=[member.founding() for member in members],
                interfaces=(listener(),),
            ),
            attestation=AttestationConfiguration(
                endorsements_servers=tuple(servers),
                security_policy=files.get("security_policy"),
                uvm_endorsements=files.get("uvm_endorsements"),
                snp_endorsements=files.get("snp_endorsements"),
            ),
        )
        relay = Relay(guest(lambda _: REPORT))
        node = InProcessNode.among(
            relay, NotesApp(), boot_of(configuration), members=members, seed=1
        )
        relay.carry(node)
        return Guest(node, relay)

    return run


def test_a_node_begins_with_what_the_first_server_gives(boot: Boot) -> None:
    with serving(GOOD) as azure:
        found = boot([("Azure", azure.address, 3)])
    assert found.is_service_there
    assert [path for path, _ in azure.requests] == [
        f"/SevSnpVM/certificates/{CHIP_ID}/{TCB}?api-version=2020-10-15-preview"
    ]
    assert "Complete endorsement chain successfully retrieved" in found.log
    running = found.node.trusted.running
    assert running is not None
    tx = running.begin(read_only=True)
    info = nodes.INFO.of(tx).get(found.node.node_id)
    assert info is not None
    assert info.quote_info.format == "AMD_SEV_SNP_v1"
    assert info.quote_info.endorsements == CHAIN
    assert info.code_digest == REPORT[0x090:0x0C0].hex()
    host_data = REPORT[0x0C0:0x0E0].hex()
    assert dict(join_policy.SNP_HOST_DATA.of(tx).items()) == {host_data: ""}
    measurements = join_policy.SNP_MEASUREMENTS.of(tx)
    assert list(measurements.keys()) == [info.code_digest]
    assert list(join_policy.SNP_TCB_VERSIONS.of(tx).keys()) == ["00a00f11"]
    assert not list(join_policy.VIRTUAL_HOST_DATA.of(tx).keys())


@pytest.mark.parametrize("failure", [FAILS, HANGS_UP, Answer(body=b"", status=404)])
@pytest.mark.parametrize("failures", [1, 3])
def test_a_server_that_fails_is_asked_again_some_times(
    boot: Boot, failure: Answer, failures: int
) -> None:
    with serving(*[failure] * failures, GOOD) as azure:
        found = boot([("Azure", azure.address, 3)])
        for _ in range(failures):
            assert not found.is_service_there
            found.node.advance(1000 * RETRY_AFTER_S - 1)
            found.wait(1)
        assert found.is_service_there
    assert len(azure.requests) == failures + 1
    told = [line for line in found.log if "failed to respond. Retrying in 3s" in line]
    assert len(told) == failures


def test_the_next_server_is_asked_after_the_last_retry(boot: Boot) -> None:
    with serving(FAILS) as azure, serving(Answer(body=THIM), tls=False) as thim:
        found = boot([("Azure", azure.address, 2), ("THIM", thim.address, 0)])
        found.wait(RETRY_AFTER_S)
        assert (len(azure.requests), len(thim.requests)) == (2, 0)
        found.wait(RETRY_AFTER_S)
        assert found.is_service_there
    assert len(azure.requests) == 3
    ((path, headers),) = thim.requests
    assert path == (
        f"/metadata/THIM/amd/certification?platformId={CHIP_ID}&tcbVersion={TCB}"
    )
    assert (headers["metadata"], headers["host"]) == ("true", "127.0.0.1")


def test_amds_own_server_is_asked_for_the_chip_and_then_for_those_above(
    boot: Boot,
) -> None:
    with serving(Answer(body=DER), FAILS, Answer(body=ABOVE)) as amd:
        found = boot([("AMD", amd.address, 1)])
        found.wait(RETRY_AFTER_S)
        assert found.is_service_there
    assert [path for path, _ in amd.requests] == [
        f"/vcek/v1/Milan/{CHIP_ID}?blSPL=4&snpSPL=24&teeSPL=0&ucodeSPL=219",
        "/vcek/v1/Milan/cert_chain",
        "/vcek/v1/Milan/cert_chain",
    ]


def test_half_a_chain_of_one_server_is_not_mixed_with_anothers(boot: Boot) -> None:
    with serving(Answer(body=DER), FAILS) as amd, serving(GOOD) as azure:
        found = boot([("AMD", amd.address, 0), ("Azure", azure.address, 0)])
        assert found.is_service_there


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("soon", RETRY_AFTER_S),
        ("-1", RETRY_AFTER_S),
        ("9" * 30, RETRY_AFTER_S_MAX),
    ],
)
def test_a_server_may_ask_for_patience(boot: Boot, asked: str, seconds: int) -> None:
    busy = Answer(status=429, headers={"Retry-After": asked})
    with serving(busy, GOOD) as azure:
        found = boot([("Azure", azure.address, 1)])
        line = f"had too many requests. Retrying in {seconds}s"
        assert any(line in said for said in found.log)
        if seconds:
            found.wait(seconds - 1)
            assert not found.is_service_there
        found.wait(1)
        assert found.is_service_there


def test_a_node_that_nobody_helps_gives_up(boot: Boot) -> None:
    with serving(FAILS) as azure, serving(FAILS) as amd:
        found = boot([("Azure", azure.address, 1), ("AMD", amd.address, 1)])
        found.wait(RETRY_AFTER_S)
        found.wait(RETRY_AFTER_S)
    assert found.reason == (
        "Timed out fetching attestation endorsements from all configured servers"
    )
    assert (
        "Giving up retrying fetching attestation endorsements from "
        "[127.0.0.1, 127.0.0.1] after 2 attempts"
    ) in found.log


def test_a_server_that_is_not_there_or_says_nonsense_is_one_that_fails(
    boot: Boot,
) -> None:
    with serving(Answer(body=b"{}"), tls=False) as thim, serving(GOOD) as azure:
        gone = ("Azure", "127.0.0.1:1", 0)
        odd = ("THIM", thim.address, 0)
        not_der = ("AMD", azure.address, 0)
        found = boot([gone, odd, not_der, ("Azure", azure.address, 0)])
        assert found.is_service_there


def test_a_chain_that_does_not_verify_begins_nothing(boot: Boot) -> None:
    with serving(Answer(body=chain_of("genoa"))) as azure:
        found = boot([("Azure", azure.address, 3)])
    assert found.reason.startswith("Failed to extract code id from quote: SEV-SNP: The")
    assert not found.is_service_there


def test_the_file_beside_the_guest_comes_first(boot: Boot) -> None:
    with serving(GOOD) as azure:
        found = boot(
            [("Azure", azure.address, 3)],
            snp_endorsements=base64.b64encode(THIM) + b"\n",
        )
    assert found.is_service_there
    assert not azure.requests
    assert (
        f"Using SNP endorsements loaded from file, endorsing TCB {TCB.upper()}"
    ) in found.log


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"?", "not base64"),
        (base64.b64encode(b"[]"), "expected a JSON object"),
        (base64.b64encode(THIM.replace(b"DB18", b"DB17")), "does not match reported"),
        (base64.b64encode(b'{"tcbm": "DB18000000000004"}'), "vcekCert is missing"),
    ],
)
def test_a_file_that_is_of_no_use_is_passed_over(
    boot: Boot, file: bytes, reason: str
) -> None:
    with serving(GOOD) as azure:
        found = boot([("Azure", azure.address, 0)], snp_endorsements=file)
    assert found.is_service_there
    assert any(reason in line and "Falling back" in line for line in found.log)


def test_a_node_without_a_way_to_certificates_does_not_begin(boot: Boot) -> None:
    assert "One or more SNP endorsements servers must be" in boot().reason


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"security_policy": b"?"}, "cannot read the security policy: not base64"),
        ({"security_policy": base64.b64encode(b"\xff")}, "policy is not text"),
        (
            {"security_policy": base64.b64encode(b"another")},
            "Digest of decoded security policy",
        ),
        ({"uvm_endorsements": b"?"}, "cannot read the UVM endorsements: not base64"),
        ({"uvm_endorsements": b"AAAA"}, "Error verifying UVM endorsements"),
    ],
)
def test_what_is_configured_must_belong_to_the_guest(
    boot: Boot, files: dict[str, bytes], reason: str
) -> None:
    found = boot((), snp_endorsements=base64.b64encode(THIM), **files)
    assert reason in found.reason


def test_evidence_for_the_application_carries_the_same_certificates(boot: Boot) -> None:
    found = boot((), snp_endorsements=base64.b64encode(THIM))
    running = found.node.trusted.running
    assert running is not None
    attested = running.attest(b"data")
    assert (attested.endorsements, attested.uvm_endorsements) == (CHAIN, None)
    running.endorse_evidence(replace(running.quote_info, uvm_endorsements=b"COSE"))
    assert running.attest(b"data").uvm_endorsements == b"COSE"


def test_patience_is_bounded() -> None:
    assert endorsements.DEADLINE_MS == 1000 * RETRY_AFTER_S < 1000 * RETRY_AFTER_S_MAX


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
