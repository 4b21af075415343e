"""Members bring a lost service back: their vote, their shares, their patience."""

import base64
from pathlib import Path

import pytest
from aiohttp import web

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, dumps, loads
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError
from ccfpy.client.keys import (
    KeyFileMissing,
    KeyFiles,
    OsEntropy,
    generate_keys,
)
from ccfpy.client.opening import (
    RecoveryMember,
    recover_service,
    submit_shares,
    wait_recovered,
)
from ccfpy.crypto import cose
from ccfpy.crypto.certs import service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from tests.unit.client.conftest import YESTERDAY, Connect, run_connected


def certificate_of(key: KeyPair) -> str:
    """Certify a service's key; each certificate of one key has a serial of its own."""
    return service_certificate(
        key,
        subject="CN=lost",
        not_before=YESTERDAY,
        validity_days=10,
        entropy=OsEntropy(),
    ).pem


LOST_KEY = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
LOST, RENEWED = certificate_of(LOST_KEY), certificate_of(LOST_KEY)
OTHER = certificate_of(KeyPair.generate(OsEntropy(), Curve.SECP384R1))
ACCEPTED = {
    "proposalId": "ab" * 32,
    "proposerId": "x",
    "proposalState": "Accepted",
    "ballotCount": 1,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[KeyFiles]:
    """Three members, of whom the first has no share."""
    folder = tmp_path_factory.mktemp("keys")
    made = [KeyFiles(folder=folder, name=f"member{number}") for number in range(3)]
    for number, each in enumerate(made):
        generate_keys(each, curve=Curve.SECP256R1, with_encryption_key=number > 0)
    return made


class Service:
    """Collects shares and opens, as much of a service as recovering one needs.

    Attributes:
        events: what happened, in order.
        actions: what members proposed.
        recorded: the lost service's certificate, as its ledger has it.
    """

    def __init__(
        self, files: list[KeyFiles], *, threshold: int, full: bool = False
    ) -> None:
        self._keys = {
            path.read_text(): RsaKeyPair.from_pem(
                each.encryption_private_key.read_text()
            )
            for each in files
            if (path := each.encryption_public_key).exists()
        }
        self._next = list(self._keys.values())
        self._threshold = threshold
        self._full = full
        self._polls = 0
        self.refuses_shares = False
        self.is_stuck = False
        self.recorded = LOST
        self.shares = 0
        self.events: list[str] = []
        self.actions: Json = None

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request."""
        path = request.path
        body = await request.read()
        payload = cose.parse(body).payload or b"" if body else b""
        headers = {"x-ms-ccf-transaction-id": "4.20"}
        match path.rsplit("/", maxsplit=1)[-1].rpartition(":")[2]:
            case "create":
                self.events.append("vote")
                self.actions = loads(payload)
                return web.json_response(ACCEPTED, headers=headers)
            case "ack":
                self.events.append("ack")
                return web.Response(status=204)
            case "recover":
                return self._take_share(loads(payload))
            case name:
                return web.json_response(self._look(path, name))

    def _look(self, path: str, name: str) -> dict[str, object]:
        if "encrypted-shares" in path:
            wrapped = self._next[self.shares].public_key.wrap(b"share")
            return {"encryptedShare": base64.b64encode(wrapped).decode()}
        match name:
            case "tx":
                return {"status": "Committed"}
            case "state":
                return self._state()
            case "network":
                return {"service_status": "Open"}
            case "previous_identity":
                return {"previous_service_identity": self.recorded}
            case _:
                return {"stateDigest": "cd" * 32}

    def _take_share(self, payload: Json) -> web.Response:
        assert payload == {"share": base64.b64encode(b"share").decode()}
        if self.refuses_shares:
            error = {"error": {"code": "InternalError", "message": "no"}}
            return web.json_response(error, status=500)
        self.shares += 1
        self.events.append("share")
        return web.json_response(
            {
                "message": "taken",
                "submittedCount": self.shares,
                "recoveryThreshold": self._threshold,
                "fullKeySubmitted": self._full,
            }
        )

    def _state(self) -> dict[str, object]:
        self._polls += 1
        if self.is_stuck or self._polls < 3:
            return {
                "state": "ReadingPrivateLedger",
                "last_recovered_seqno": 5,
                "recovery_target_seqno": 9,
            }
        self.events.append("back")
        return {"state": "PartOfNetwork"}


@pytest.mark.newest
def test_members_choose_the_service_hand_in_shares_and_wait(
    connect: Connect, service_pem: str, files: list[KeyFiles]
) -> None:
    service = Service(files, threshold=2)
    asked = run_connected(
        connect,
        service.answer,
        lambda c: recover_service(
            c, [RecoveryMember.of_files(c, each) for each in files], previous=LOST
        ),
    )
    assert asked == TxId(4, 20)
    assert service.events == ["ack"] * 3 + ["vote", "share", "share", "back"]
    arguments = {
        "previous_service_identity": LOST,
        "next_service_identity": service_pem,
    }
    assert service.actions == {
        "actions": [{"name": "transition_service_to_open", "args": arguments}]
    }


def test_members_name_the_certificate_that_the_ledger_last_had(
    connect: Connect, files: list[KeyFiles]
) -> None:
    service = Service(files, threshold=2)
    service.recorded = RENEWED
    run_connected(
        connect,
        service.answer,
        lambda c: recover_service(
            c, [RecoveryMember.of_files(c, each) for each in files], previous=LOST
        ),
    )
    assert isinstance(service.actions, dict)
    assert dumps(RENEWED) in dumps(service.actions)


def test_members_do_not_bring_back_another_service_than_they_named(
    connect: Connect, files: list[KeyFiles]
) -> None:
    service = Service(files, threshold=2)
    service.recorded = OTHER
    with pytest.raises(ClientError, match="the ledger is of another service"):
        run_connected(
            connect,
            service.answer,
            lambda c: recover_service(
                c, [RecoveryMember.of_files(c, each) for each in files], previous=LOST
            ),
        )
    assert "vote" not in service.events


@pytest.mark.newest
def test_members_decide_on_what_must_come_first(
    connect: Connect, files: list[KeyFiles]
) -> None:
    service = Service(files, threshold=2)
    run_connected(
        connect,
        service.answer,
        lambda c: recover_service(
            c,
            [RecoveryMember.of_files(c, each) for each in files],
            previous=LOST,
            before=[{"name": "set_constitution", "args": {"constitution": "new"}}],
        ),
    )
    assert service.events == ["ack"] * 3 + ["vote"] * 2 + ["share", "share", "back"]


@pytest.mark.parametrize(
    ("threshold", "full", "count"), [(1, False, 1), (2, False, 2), (2, True, 1)]
)
def test_no_more_shares_are_handed_in_than_are_needed(
    connect: Connect,
    files: list[KeyFiles],
    *,
    threshold: int,
    full: bool,
    count: int,
) -> None:
    service = Service(files, threshold=threshold, full=full)
    handed_in = run_connected(
        connect,
        service.answer,
        lambda c: submit_shares([RecoveryMember.of_files(c, each) for each in files]),
    )
    assert handed_in == service.shares == count


def test_too_few_shares_are_said_to_be(connect: Connect, files: list[KeyFiles]) -> None:
    with pytest.raises(ClientError, match="the shares of 2 members are too few"):
        run_connected(
            connect,
            Service(files, threshold=3).answer,
            lambda c: submit_shares(
                [RecoveryMember.of_files(c, each) for each in files]
            ),
        )


def test_a_share_that_is_refused_ends_it(
    connect: Connect, files: list[KeyFiles]
) -> None:
    service = Service(files, threshold=2)
    service.refuses_shares = True
    with pytest.raises(ServiceError, match="InternalError"):
        run_connected(
            connect,
            service.answer,
            lambda c: submit_shares(
                [RecoveryMember.of_files(c, each) for each in files]
            ),
        )


def test_a_node_that_does_not_come_to_its_end_is_given_up(
    connect: Connect, files: list[KeyFiles]
) -> None:
    service = Service(files, threshold=1)
    service.is_stuck = True
    with pytest.raises(ClientError, match="is ReadingPrivateLedger at 5 of 9"):
        run_connected(connect, service.answer, lambda c: wait_recovered(c, timeout_s=0))


def test_a_member_without_an_identity_is_none(tmp_path: Path, service_pem: str) -> None:
    files = KeyFiles(folder=tmp_path, name="nobody")
    connection = Connection("https://127.0.0.1:1", service_certificate=service_pem)
    with pytest.raises(KeyFileMissing):
        RecoveryMember.of_files(connection, files)
