"""A node's actions when the tables that it acts upon change."""

from ccfpy.testing.node import InProcessNode


def test_the_app_opens_when_that_is_final_and_not_before(
    new_node: InProcessNode,
) -> None:
    for member in new_node.members:
        new_node.acknowledge(member)
    new_node.propose(
        {
            "name": "transition_service_to_open",
            "args": {"next_service_identity": new_node.service_certificate},
        }
    )
    assert new_node.request("GET", "/app/commit").status == 404
    new_node.advance(1000)
    assert new_node.request("GET", "/app/commit").status == 200
