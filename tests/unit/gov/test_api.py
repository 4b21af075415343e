"""The registry holds CCF's endpoints, reads open to all and writes signed.

Those of the classic API are all the deprecated ones, and have a test of their own.
"""

from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode, Redirection
from tests.unit.gov.conftest import Governed

SIGNED = {
    "/members/proposals:create",
    "/members/proposals/{proposalId}:withdraw",
    "/members/proposals/{proposalId}/ballots/{memberId}:submit",
    "/members/state-digests/{memberId}:update",
    "/members/state-digests/{memberId}:ack",
    "/recovery/members/{memberId}:recover",
}
READ = {
    "/api",
    "/commit",
    "/local_tx",
    "/receipt",
    "/tx",
    "/members/proposals",
    "/members/proposals/{proposalId}",
    "/members/proposals/{proposalId}/actions",
    "/members/proposals/{proposalId}/ballots/{memberId}",
    "/members/state-digests/{memberId}",
    "/recovery/encrypted-shares/{memberId}",
    "/service/constitution",
    "/service/info",
    "/service/javascript-app",
    "/service/javascript-modules",
    "/service/javascript-modules/{moduleName}",
    "/service/join-policy",
    "/service/jwk",
    "/service/members",
    "/service/members/{memberId}",
    "/service/nodes",
    "/service/nodes/{nodeId}",
    "/service/transactions/commit",
    "/service/transactions/{transactionId}",
    "/service/users",
    "/service/users/{userId}",
}


def current(governed: Governed) -> list[Endpoint]:
    return [e for e in governed.frontend.registry if not e.operation.deprecated]


def test_every_endpoint_of_ccf_is_served(governed: Governed) -> None:
    endpoints = current(governed)
    own = {e.path for e in endpoints if e.path.startswith("/ccfpy/")}
    assert {e.path for e in endpoints if e.method == "GET"} - own == READ
    assert {e.path for e in endpoints if e.method == "POST"} == SIGNED


def test_what_writes_is_signed_and_goes_to_the_primary(governed: Governed) -> None:
    for endpoint in current(governed):
        is_write = endpoint.mode is Mode.READ_WRITE
        assert bool(endpoint.auth) is is_write
        assert (endpoint.redirection is Redirection.TO_PRIMARY) is is_write
        if is_write:
            assert endpoint.forwarding is Forwarding.ALWAYS


def test_a_path_ends_where_its_verb_begins(governed: Governed) -> None:
    match = governed.frontend.registry.find("POST", "/members/proposals/ab:withdraw")
    assert match is not None
    assert match.params == {"proposalId": "ab"}
