"""The loss of a service and its recovery, as members and operators go through it."""

import base64
from collections.abc import Callable, Sequence

from ccfpy.base import json
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.endpoints.application import Application
from ccfpy.http.messages import Response
from ccfpy.testing.configuration import Person, boot_of, listener, recovering
from ccfpy.testing.node import GOV_VERSION, InProcessNode
from ccfpy.testing.surroundings import Alone, Outside, Remains

PAUSE_MS = 3_600_000
"""How long a lost service is gone before it is recovered."""


def recover_alone(
    remains: Remains,
    app: Application,
    *,
    members: Sequence[Person],
    seed: int = 2,
    outside: "Outside[InProcessNode] | None" = None,
    configure: Callable[[NodeConfiguration], NodeConfiguration] = lambda same: same,
) -> InProcessNode:
    """Boot a node that recovers a service from its remains, without other nodes.

    Args:
        remains: the files of the service that the node's host has.
        app: what the node serves under ``/app``.
        members: of the service.
        seed: decides the node's keys.
        outside: the world beyond its host; by default nothing.
        configure: changes its configuration before it boots.
    """
    configuration = recovering(
        previous_identity=remains.identity, interfaces=(listener(),)
    )
    return InProcessNode.among(
        outside or Alone(),
        app,
        boot_of(configure(configuration), now_ms=remains.lost_ms + PAUSE_MS),
        members=members,
        seed=seed,
        remains=remains,
    )


def ask_for_shares(
    node: InProcessNode, *, previous_identity: str | None = None
) -> Response:
    """Vote as members to recover the service, and return what became of it.

    Args:
        node: of the new service.
        previous_identity: the certificate of the lost service; by default the one in
            the node's configuration.
    """
    if previous_identity is None:
        section = node.boot.configuration.recover
        assert section is not None, "another node was told what is recovered"
        assert section.previous_service_identity is not None
        previous_identity = section.previous_service_identity.decode()
    return node.propose(
        {
            "name": "transition_service_to_open",
            "args": {
                "previous_service_identity": previous_identity,
                "next_service_identity": node.service_certificate,
            },
        }
    )


def share_of(node: InProcessNode, member: Person) -> bytes:
    """Return a member's recovery share, as the member decrypts it."""
    assert member.encryption_key is not None, "only recovery members have one"
    path = f"/gov/recovery/encrypted-shares/{member.id}?api-version={GOV_VERSION}"
    answer = json.loads_object(node.request("GET", path).body)
    return member.encryption_key.unwrap(base64.b64decode(str(answer["encryptedShare"])))


def submit_share(
    node: InProcessNode, member: Person, share: bytes | None = None
) -> Response:
    """Submit a share as a member: the member's own if none is given."""
    given = share_of(node, member) if share is None else share
    return node.govern(
        member,
        f"recovery/members/{member.id}:recover",
        "recovery_share",
        {"share": base64.b64encode(given).decode()},
    )
