"""What a node says of a recovery is read, and also what one does not say."""

import asyncio
from typing import TYPE_CHECKING

from ccfpy.console.recovery_reading import Phase, Seen, read_recovery
from ccfpy.console.service import Service
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted
from tests.unit.console.recovered import ALICE, BOB, recovering_node

if TYPE_CHECKING:
    from ccfpy.base.json import Json


def seen(node: InProcessNode, serve: Serve, service_pem: str) -> Seen:
    async def main() -> Seen:
        async with serve(answering(node)) as url, asyncio.timeout(30):
            return await read_recovery(
                Service(urls=[url], certificate=service_pem, names=dict, pen=None)
            )

    return asyncio.run(main())


def test_a_recovery_is_read_from_its_beginning_to_its_end(
    serve: Serve, service_pem: str
) -> None:
    node = recovering_node()
    begun = seen(node, serve, service_pem)
    assert begun.phase is Phase.COMPARE
    assert begun.previous is not None
    assert begun.standing is not None
    assert begun.standing.threshold == 2
    assert {member.id for member in begun.members} == {ALICE.id, BOB.id}
    ask_for_shares(node)
    submit_share(node, ALICE)
    waiting = seen(node, serve, service_pem)
    assert waiting.phase is Phase.SHARES
    assert waiting.standing is not None
    assert waiting.standing.submitted == [ALICE.id]
    assert waiting.standing.missing == 1
    submit_share(node, BOB)
    for _ in range(10):
        node.advance(100)
    assert seen(node, serve, service_pem).phase is Phase.DONE


def test_an_open_proposal_to_go_on_is_found_among_others(
    serve: Serve, service_pem: str
) -> None:
    node = recovering_node()
    previous = seen(node, serve, service_pem).previous
    assert previous is not None
    others: Json = {"name": "trigger_ledger_chunk"}
    go_on: Json = {
        "name": "transition_service_to_open",
        "args": {
            "previous_service_identity": previous.pem,
            "next_service_identity": node.service_certificate,
        },
    }
    for actions in ([others], [others, go_on]):
        path, kind = "members/proposals:create", "proposal"
        assert node.govern(ALICE, path, kind, {"actions": actions}).status == 200
    found = seen(node, serve, service_pem)
    assert found.phase is Phase.VOTE
    assert found.decision is not None
    assert found.decision.previous == previous.pem
    assert found.decision.next == node.service_certificate


def test_a_service_that_was_never_lost_is_at_rest(
    serve: Serve, service_pem: str
) -> None:
    node = hosted(Person.make("alice", can_recover=True))
    found = seen(node, serve, service_pem)
    assert (found.phase, found.previous, found.decision) == (Phase.NONE, None, None)
