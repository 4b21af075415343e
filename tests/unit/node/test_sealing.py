"""A service comes back by what its nodes sealed to their platform, and by no more."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from ccfpy.attestation.virtual import VirtualPlatform
from ccfpy.base import json
from ccfpy.base.ports import Platform
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.effects import KeepSealedSecret
from ccfpy.node.lifecycle import NodeState
from ccfpy.service.tables import recovery
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from ccfpy.testing.surroundings import Alone, Remains
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.recovered import read, state, status, wait, write
from tests.unit.node.replication.test_replication import replica_of

TCB = bytes([3, 0, 0, 0, 0, 0, 8, 115])
PLATFORM = VirtualPlatform(root=b"\x07" * 32, tcb_version=TCB)
Files = Mapping[int, bytes]


class On(Alone):
    """A node alone, on a platform."""

    def __init__(self, platform: Platform | None) -> None:
        self.platform = platform


def sealing(configuration: NodeConfiguration) -> NodeConfiguration:
    return replace(configuration, seals_ledger_secrets=True)


def unsealing(files: Files, configuration: NodeConfiguration) -> NodeConfiguration:
    assert configuration.recover is not None
    told = replace(configuration.recover, previous_sealed_secrets=tuple(files.items()))
    return sealing(replace(configuration, recover=told))


class Service:
    """A service of one node that seals, whose ledger was rekeyed, and what is left."""

    def __init__(
        self,
        members: tuple[Person, ...],
        user: Person,
        *,
        seed: int = 1,
        rekeys: int = 1,
    ) -> None:
        self.members = members
        network = Network(
            NotesApp(),
            constitution=CONSTITUTION,
            members=members,
            seed=seed,
            configure=sealing,
        )
        network.platform = PLATFORM
        self.node = network.start()
        self.node.open_service(user)
        write(self.node, user, a="a secret")
        for _ in range(rekeys):
            self.node.propose({"name": "trigger_ledger_rekey"})
            write(self.node, user, b="another")
        network.advance(1000)
        self.remains = self.node.remains()
        self.files = dict(self.node.host.sealed)

    def recover(
        self,
        files: Files | None = None,
        *,
        platform: Platform | None = PLATFORM,
        remains: Remains | None = None,
    ) -> InProcessNode:
        """Recover it alone, and let members vote for it."""
        node = recover_alone(
            remains or self.remains,
            NotesApp(),
            members=self.members,
            outside=On(platform),
            configure=partial(unsealing, self.files if files is None else files),
        )
        assert json.loads_object(ask_for_shares(node).body)["proposalState"] == (
            "Accepted"
        )
        wait(node)
        return node


@pytest.fixture(scope="module")
def service(members: tuple[Person, ...], alice: Person) -> Service:
    return Service(members, alice)


def how(node: InProcessNode) -> object:
    tx = replica_of(node).begin(read_only=True)
    return recovery.LAST_RECOVERY_TYPE.of(tx).get()


def logged(node: InProcessNode) -> str:
    return "\n".join(line.message for line in node.host.logs)


def came_back(node: InProcessNode) -> bool:
    """Return whether it opened by itself, and check that it then has everything."""
    if status(node) != "Open":
        assert status(node) == "WaitingForRecoveryShares"
        assert state(node)["state"] == NodeState.PART_OF_PUBLIC_NETWORK
        assert how(node) is recovery.RecoveryType.RECOVERY_SHARES
        return False
    assert how(node) is recovery.RecoveryType.LOCAL_UNSEALING
    assert state(node)["state"] == NodeState.PART_OF_NETWORK
    assert read(node, "a") == "a secret"
    return True


@pytest.mark.slow
def test_members_vote_and_hand_in_nothing(service: Service) -> None:
    node = service.recover()
    assert came_back(node)
    assert read(node, "b") == "another"


def test_each_new_secret_is_sealed(service: Service) -> None:
    versions = sorted(service.files)
    assert versions[0] == 1
    secrets = replica_of(service.node).tail.secrets
    assert versions == [version for version, _ in secrets]
    again = service.recover()
    assert sorted(again.host.sealed) == [len(service.remains.entries) + 1]


def test_a_service_that_came_back_so_comes_back_so_again(
    service: Service, alice: Person
) -> None:
    """CCF seals no secret of a recovered service until the next rekey."""
    second = service.recover()
    write(second, alice, c="of the second service")
    wait(second)
    third = service.recover(
        service.files | second.host.sealed, remains=second.remains()
    )
    assert came_back(third)
    assert read(third, "c") == "of the second service"


def test_the_nodes_say_that_they_seal(service: Service) -> None:
    entries = b"".join(service.remains.entries)
    assert b'"will_locally_seal_ledger_secrets":true' in entries


def test_no_secret_reaches_the_host_in_the_clear(service: Service) -> None:
    raws = [raw.raw for _, raw in replica_of(service.node).tail.secrets]
    kept = [
        effect
        for effect in service.node.host.effects
        if isinstance(effect, KeepSealedSecret)
    ]
    assert len(kept) == len(raws)
    seen = repr(service.node.host.effects).encode() + b"".join(service.files.values())
    for raw in [*raws, PLATFORM.root]:
        for form in (raw, raw.hex().encode(), repr(raw).encode()):
            assert form not in seen


OLDER = VirtualPlatform(
    root=PLATFORM.root, tcb_version=bytes([3, 0, 0, 0, 0, 0, 7, 115])
)
NEWER = VirtualPlatform(
    root=PLATFORM.root, tcb_version=bytes([4, 0, 0, 0, 0, 0, 8, 115])
)
OTHER = VirtualPlatform(root=b"\x08" * 32, tcb_version=TCB)


@row(
    Part.SEALED,
    "the platform is another one, or has an older security version, or seals nothing",
    "The log says which of these is wrong. The service waits for shares, and shares "
    "open it.",
)
@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        (OLDER, "security version 0300000000000773 is older than 0300000000000873"),
        (OTHER, "AES-GCM tag does not match"),
        (None, "this node's platform seals nothing"),
    ],
)
def test_another_platform_or_an_older_version_opens_nothing(
    service: Service, platform: Platform | None, reason: str
) -> None:
    node = service.recover(platform=platform)
    assert not came_back(node)
    assert reason in logged(node)
    # Nothing is lost: the members' shares still open the service.
    submit_share(node, service.members[0])
    wait(node)
    assert status(node) == "Open"
    assert read(node, "a") == "a secret"


def test_a_newer_version_opens_what_an_older_one_sealed(service: Service) -> None:
    assert came_back(service.recover(platform=NEWER))


@row(
    Part.SEALED,
    "the program is another one",
    "The service waits for shares.",
)
def test_another_program_opens_nothing(service: Service) -> None:
    section = partial(unsealing, service.files)
    node = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=service.members,
        configure=section,
    )
    node.platform = PLATFORM
    recovering = node.recover(service.remains)
    replica_of(recovering).sealing.host_data = b"\x01" * 32
    ask_for_shares(recovering)
    node.wait_until_settled()
    assert not came_back(recovering)


def changed(data: bytes) -> bytes:
    """Change the ciphertext."""
    fields = json.loads_object(data)
    text = str(fields["ciphertext"])
    return json.dumps({**fields, "ciphertext": "AAAA" + text[4:]})


@pytest.mark.slow
@row(
    Part.SEALED,
    "the sealed files are damaged, empty, too large, named for another secret, or "
    "missing",
    "The log names each file. The service waits for shares.",
)
def test_files_that_are_damaged_are_passed_over(service: Service) -> None:
    newest = max(service.files)
    for files in (
        {},
        {newest: b""},
        {newest: b"{}"},
        {newest: bytes(10_000)},
        {version: changed(data) for version, data in service.files.items()},
        {newest: service.files[1]},
        {newest + 1: service.files[newest]},
    ):
        node = service.recover(files)
        assert not came_back(node), files
        assert "Failed to unseal any ledger secret" in logged(node)


@row(
    Part.SEALED,
    "only the secret before the last rekey was sealed",
    "The log says so. The service waits for shares.",
)
def test_the_latest_secret_alone_will_do_and_an_older_one_will_not(
    service: Service,
) -> None:
    newest = max(service.files)
    assert came_back(service.recover({newest: service.files[newest]}))
    node = service.recover({1: service.files[1]})
    assert not came_back(node)
    assert "applies from 1: " in logged(node)


@row(
    Part.SEALED,
    "a file is named for a seqno that the ledger does not have",
    "The node ignores the file.",
)
def test_a_file_of_a_time_to_come_is_ignored(service: Service) -> None:
    assert came_back(service.recover(service.files | {2**63 - 1: b"some data"}))


@pytest.mark.slow
@row(
    Part.SEALED,
    "the secrets are another service's, sealed by the same program on the same "
    "platform",
    "The node can unseal the secrets, but they do not fit the ledger. The service "
    "waits for shares.",
)
@pytest.mark.parametrize("rekeys", [0, 1])
def test_secrets_of_another_service_are_passed_over(
    rekeys: int, members: tuple[Person, ...], alice: Person
) -> None:
    """The same program on the same platform: each file opens, and fits only its own."""
    one, other = (Service(members, alice, seed=seed, rekeys=rekeys) for seed in (1, 2))
    assert one.files.keys() == other.files.keys()
    node = one.recover(other.files)
    assert not came_back(node)
    assert "Failed to unseal the ledger secret" in logged(node)


def test_a_joiner_and_a_backup_seal_too(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=sealing
    )
    network.platform = PLATFORM
    first = network.start()
    joiner = network.join()
    network.wait_until_settled()
    assert sorted(joiner.host.sealed) == [1]
    first.open_service(alice)
    first.propose({"name": "trigger_ledger_rekey"})
    network.wait_until_settled()
    assert sorted(joiner.host.sealed) == sorted(first.host.sealed)
    assert len(joiner.host.sealed) == 2


def test_all_nodes_of_a_recovering_service_come_back_by_one_nodes_files(
    service: Service,
) -> None:
    network = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=service.members,
        configure=lambda configuration: (
            unsealing(service.files, configuration)
            if configuration.recover
            else sealing(configuration)
        ),
    )
    network.platform = PLATFORM
    first = network.recover(replace(service.remains, snapshots={}))
    network.wait_until_settled(network.join())
    ask_for_shares(first)
    whole = NodeState.PART_OF_NETWORK
    network.wait_until(
        lambda: all(state(node)["state"] == whole for node in network.nodes)
    )
    network.wait_until_settled()
    assert all(came_back(node) for node in network.nodes)


def test_who_does_not_seal_leaves_nothing(node: InProcessNode) -> None:
    assert not node.host.sealed
