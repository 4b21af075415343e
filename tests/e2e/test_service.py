"""A service from its users' side: write, read, commit, prove."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.errors import NotCommitted, ServiceError, Unreachable
from ccfpy.client.governance import Governance, read_governance
from ccfpy.client.keys import FileSigner
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.ledger.receipt import ReceiptRefused
from tests.attacks import attack
from tests.e2e.running import Running, running_node

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

MESSAGE = "kept between us"


def _write(service: Running, *, id_: int = 1, msg: str = MESSAGE) -> TxId:
    with service.connect("user0") as user:
        reply = user.post("/app/log/private", {"id": id_, "msg": msg})
        assert reply.json() is True
        assert reply.txid is not None
        return reply.txid


def test_what_a_user_writes_can_be_read_committed_and_proved(service: Running) -> None:
    txid = _write(service)
    with service.connect("user0") as user:
        assert user.get("/app/log/private?id=1").json() == {"msg": MESSAGE}
        user.wait_committed(txid)
        receipt = user.receipt(txid)
    steps = verify_receipt(receipt, service_certificate=service.certificate, txid=txid)
    assert len(steps) == 5
    with pytest.raises(ReceiptRefused, match="it proves transaction"):
        verify_receipt(
            receipt,
            service_certificate=service.certificate,
            txid=TxId(txid.view, txid.seqno + 1),
        )


def test_public_and_private_records_are_apart(service: Running) -> None:
    _write(service, id_=2, msg="private")
    with service.connect("user0") as user:
        user.post("/app/log/public", {"id": 2, "msg": "public"})
        assert user.get("/app/log/public?id=2").json() == {"msg": "public"}
        assert user.get("/app/log/private?id=2").json() == {"msg": "private"}


def test_a_certificate_nobody_registered_is_refused_after_the_handshake(
    service: Running,
) -> None:
    with service.connect("stranger") as stranger:
        reply = stranger.request("GET", "/app/log/private?id=1")
        assert reply.status == 401
        error = reply.object()["error"]
        assert isinstance(error, dict)
        assert error["code"] == "InvalidAuthenticationInfo"
        with pytest.raises(ServiceError, match="401"):
            stranger.get("/app/log/private?id=1")
        assert stranger.get("/node/state").status == 200


def test_nobody_in_particular_is_refused_too(service: Running) -> None:
    with service.connect() as anybody:
        assert anybody.request("GET", "/app/log/private?id=1").status == 401


def test_a_member_is_not_a_user(service: Running) -> None:
    with service.connect("member0") as member:
        assert member.request("GET", "/app/log/private?id=1").status == 401


def test_an_error_carries_its_code_and_words(service: Running) -> None:
    with service.connect("user0") as user:
        with pytest.raises(ServiceError) as caught:
            user.get("/app/log/private?id=404")
        assert caught.value.status == 404
        assert caught.value.code == "ResourceNotFound"
        assert caught.value.message == "No such record: 404."
        with pytest.raises(ServiceError, match="Unknown path"):
            user.get("/app/no/such/path")


def test_head_is_not_get_without_its_body(service: Running) -> None:
    with service.connect("user0") as user:
        refused = user.request("HEAD", "/app/log/private?id=1")
        assert (refused.status, refused.body) == (405, b"")
        assert "GET" in refused.headers["allow"]
        assert "HEAD" not in refused.headers["allow"]
        assert user.head("/node/primary").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"id": "x"}'])
def test_a_body_of_another_form_is_the_callers_error(
    service: Running, body: bytes
) -> None:
    with service.connect("user0") as user:
        reply = user.request(
            "POST",
            "/app/log/private",
            body=body,
            headers={"content-type": "application/json"},
        )
        assert reply.status == 400
        assert isinstance(reply.object()["error"], dict)
        assert user.get("/node/state").status == 200


def test_a_transaction_of_a_future_view_is_never_committed(service: Running) -> None:
    with service.connect() as anybody:
        body = anybody.get("/node/tx?transaction_id=99.1").object()
        assert body["status"] in ("Unknown", "Invalid")
        assert anybody.request("GET", "/node/tx?transaction_id=x").status == 400


def test_waiting_for_what_nobody_wrote_ends(service: Running) -> None:
    async def wait(connection: Connection) -> None:
        await connection.wait_committed(TxId(2, 1_000_000), timeout_s=0.1)

    with service.connect() as anybody, pytest.raises(NotCommitted) as caught:
        anybody.run(wait(anybody.connection))
    assert not caught.value.is_final


@attack("tls: a server that is not the service's")
def test_a_server_of_another_service_is_not_trusted(
    service: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_node(tmp_path_factory.mktemp("other")) as other:
        connection = Connection(other.url, service_certificate=service.certificate)

        async def ask() -> None:
            async with connection:
                await connection.get("/node/state")

        with pytest.raises(Unreachable, match="is not trusted"):
            asyncio.run(ask())


def test_the_openapi_document_lists_what_the_app_serves(service: Running) -> None:
    with service.connect() as anybody:
        document = anybody.get("/app/api").object()
    paths = document["paths"]
    assert isinstance(paths, dict)
    assert "/app/log/private" in paths
    assert all(path.startswith("/app/") for path in paths)


def test_the_page_of_all_endpoints_is_served_by_the_enclave(service: Running) -> None:
    with service.connect() as anybody:
        page = anybody.get("/node/api/page")
        tag = page.headers["etag"]
        again = anybody.request("GET", "/node/api/page", headers={"if-none-match": tag})
    text = page.body.decode()
    assert all(path in text for path in ("/app/log/private", "/node/api/page"))
    assert f"{service.url}/app/log/private" in text
    assert (again.status, again.body) == (304, b"")


def test_members_change_the_service_by_their_votes(service: Running) -> None:
    with service.connect() as anybody:
        members = [
            Governance(anybody.connection, FileSigner.load(service.options.keys(name)))
            for name in service.options.members
        ]
        newcomer = service.options.keys("newcomer").certificate.read_text()
        proposal = anybody.run(
            members[0].propose([{"name": "set_user", "args": {"cert": newcomer}}])
        )
        assert proposal.is_open
        first = anybody.run(members[1].vote(proposal.proposal_id))
        assert (first.state, first.ballot_count) == ("Open", 1)
        second = anybody.run(members[2].vote(proposal.proposal_id))
        assert second.state == "Accepted"
        with pytest.raises(ServiceError) as caught:
            anybody.run(members[0].vote(proposal.proposal_id))
        assert caught.value.code == "ProposalNotOpen"
    with service.connect("newcomer") as user:
        assert user.get("/app/log/private/count").status == 200


def test_a_proposal_can_be_withdrawn_by_its_proposer_alone(service: Running) -> None:
    with service.connect() as anybody:
        first, second, _ = (
            Governance(anybody.connection, FileSigner.load(service.options.keys(name)))
            for name in service.options.members
        )
        action: JsonObject = {
            "name": "set_recovery_threshold",
            "args": {"recovery_threshold": 2},
        }
        proposal = anybody.run(first.propose([action]))
        with pytest.raises(ServiceError) as caught:
            anybody.run(second.withdraw(proposal.proposal_id))
        assert caught.value.status == 403
        withdrawn = anybody.run(first.withdraw(proposal.proposal_id))
        assert withdrawn is not None
        assert withdrawn.state == "Withdrawn"
        assert anybody.run(first.withdraw("0" * 64)) is None
        listed = anybody.run(
            read_governance(
                anybody.connection, f"members/proposals/{proposal.proposal_id}"
            )
        )
        assert isinstance(listed, dict)
        assert listed["proposalState"] == "Withdrawn"


def test_many_connections_write_at_once(service: Running) -> None:
    connection = service.connection("user0")

    async def write(number: int) -> TxId:
        reply = await connection.post(
            "/app/log/private", {"id": number, "msg": f"message {number}"}
        )
        assert reply.txid is not None
        return reply.txid

    async def all_of_them() -> list[TxId]:
        async with connection:
            written = await asyncio.gather(*(write(i) for i in range(100, 200)))
            await connection.wait_committed(max(written))
            receipt = await fetch_receipt(connection, written[50])
            verify_receipt(
                receipt, service_certificate=service.certificate, txid=written[50]
            )
            return written

    written = asyncio.run(all_of_them())
    assert len(set(written)) == 100
