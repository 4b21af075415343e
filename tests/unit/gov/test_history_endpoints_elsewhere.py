"""The history of proposals at nodes that were not there when they were made."""

import pytest

from ccfpy.base import json
from ccfpy.client.share import constitution
from ccfpy.http.messages import Response
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.unit.gov.test_history_endpoints import PATH, SNAPSHOT, ask, propose, stories
from tests.unit.node.conftest import NotesApp
from tests.unit.node.joining.test_bootstrap import began_after, fetching
from tests.unit.node.recovered import status, wait

NOT_YET = 202
RULES = "\n".join(path.read_text() for path in constitution("default"))


def _members() -> list[Person]:
    return [Person.make(f"member{n}", can_recover=True) for n in range(2)]


def _ids(node: InProcessNode) -> list[object]:
    return [story["proposalId"] for story in stories(node)]


@pytest.mark.slow
def test_a_recovered_service_tells_what_the_lost_one_decided() -> None:
    members = _members()
    lost = InProcessNode(NotesApp(), constitution=RULES, members=members)
    lost.open_service()
    made = [propose(lost) for _ in range(2)]
    wait(lost)
    recovered = recover_alone(lost.remains(), NotesApp(), members=members)
    ask_for_shares(recovered)
    for member in members:
        submit_share(recovered, member)
        wait(recovered)
    assert status(recovered) == "Open"
    newest = propose(recovered)
    told = _ids(recovered)
    assert told[0] == newest
    assert [each for each in told if each in made] == made[::-1]
    story = json.loads_object(ask(recovered, f"{PATH}/{made[0]}").body)
    assert story["proposalState"] == "Accepted"


@pytest.mark.slow
def test_a_node_that_began_with_a_snapshot_needs_the_files_before_it() -> None:
    network = Network(
        NotesApp(), constitution=RULES, members=_members(), configure=fetching
    )
    first = network.start()
    first.open_service()
    made = propose(first)
    first.propose(SNAPSHOT)
    network.wait_until(lambda: len(first.host.snapshots.committed()) >= 2)
    joiner = network.join()
    network.deliver()
    first.trust(joiner)
    network.wait_until(lambda: joiner.host.commit == first.host.commit)
    assert began_after(joiner) > 0

    def asked() -> Response:
        """Ask while the node may still be reading."""
        for _ in range(5):
            network.advance(1000)
            reply = joiner.request("GET", f"{PATH}/{made}")
            if reply.status != NOT_YET:
                return reply
        return joiner.request("GET", f"{PATH}/{made}")

    assert asked().status == NOT_YET
    network.wait_until(lambda: joiner.host.commit == first.host.commit)
    joiner.host.after, joiner.host.entries = 0, list(first.host.entries)
    reply = asked()
    assert reply.status == 200, reply.body
    story = json.loads_object(reply.body)
    assert story["proposalState"] == "Accepted"
