"""Every endpoint of the classic API, each with CCF 6's description of it.

All are deprecated, as in CCF 6. Reads are open to anybody, except a member's own share.
Writes go to the primary, and so do reads of shares and of token keys.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.base.ids import MemberId
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.auth.cert import MemberCert
from ccfpy.endpoints.auth.cose import MemberCoseSign1
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.replies import for_who_takes_json
from ccfpy.gov.classic import (
    member_endpoints,
    proposal_endpoints,
    recovery_endpoints,
)
from ccfpy.gov.classic.bodies import (
    ClassicBallot,
    ClassicMember,
    ClassicProposal,
    ClassicProposalSummary,
    ClassicShare,
    ClassicShareReceived,
    ClassicShareSubmission,
    ClassicStateDigest,
    ClassicTokenKey,
)
from ccfpy.gov.classic.callers import MemberCertOfPlainBody
from ccfpy.gov.classic.table_endpoints import (
    path_of,
    reader_of,
    served_tables,
)
from ccfpy.gov.ports import GovernanceNode
from ccfpy.gov.versions import logged
from ccfpy.kv.maps import Value
from ccfpy.service.tables.proposals import ProposalInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.json import Json
    from ccfpy.endpoints.auth.policy import AuthPolicy
    from ccfpy.endpoints.awaited import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One endpoint.

    Attributes:
        takes: the type of the body that is signed or sent.
        gives: the type of the response; ``None`` for 204.
        writes: whether the endpoint changes anything.
        may_be_nothing: the response may be 204 instead.
        is_primarys: whether a backup forwards the request; a write is always forwarded.
    """

    path: str
    handler: "Callable[..., Answer]"
    gives: object
    takes: object = None
    auth: "tuple[AuthPolicy, ...]" = ()
    writes: bool = False
    may_be_nothing: bool = False
    is_primarys: bool = False

    @property
    def operation(self) -> Operation:
        """The description of the endpoint."""
        said = (self.handler.__doc__ or "").strip().splitlines()
        given = None if self.gives is None else schema_of(self.gives)
        taken = None if self.takes is None else schema_of(self.takes)
        components: dict[str, Json] = {}
        for described in (taken, given):
            components.update({} if described is None else described.components)
        return Operation(
            summary=said[0] if said else "",
            request_schema=None if taken is None else taken.schema,
            response_schema=None if given is None else given.schema,
            success_status=204 if self.gives is None else 200,
            deprecated=True,
            also={204: None} if self.may_be_nothing else {},
            components=components,
        )

    def endpoint(self, node: GovernanceNode) -> Endpoint:
        """Return the endpoint."""
        handler = partial(self.handler, node) if self.writes else self.handler
        if not self.auth:
            handler = for_who_takes_json(handler)
        goes = self.writes or self.is_primarys
        return Endpoint(
            method="POST" if self.writes else "GET",
            path=self.path,
            handler=logged(handler, log=node.log),
            mode=Mode.READ_WRITE if self.writes else Mode.READ_ONLY,
            forwarding=Forwarding.ALWAYS if goes else Forwarding.SOMETIMES,
            redirection=Redirection.TO_PRIMARY if goes else Redirection.NONE,
            auth=self.auth,
            operation=self.operation,
        )


READS: tuple[Row, ...] = (
    Row(
        path="/proposals",
        handler=proposal_endpoints.list_open,
        gives=dict[str, ProposalInfo],
    ),
    Row(
        path="/proposals/{proposal_id}",
        handler=proposal_endpoints.read_proposal,
        gives=ProposalInfo,
    ),
    Row(
        path="/proposals/{proposal_id}/actions",
        handler=proposal_endpoints.read_actions,
        gives=ClassicProposal,
    ),
    Row(
        path="/proposals/{proposal_id}/ballots/{member_id}",
        handler=proposal_endpoints.read_ballot,
        gives=ClassicBallot,
    ),
    Row(
        path="/members",
        handler=member_endpoints.list_members,
        gives=dict[MemberId, ClassicMember],
    ),
    Row(
        path="/jwt_keys/all",
        handler=member_endpoints.list_jwt_keys,
        gives=dict[str, list[ClassicTokenKey]],
        is_primarys=True,
    ),
    Row(
        path="/encrypted_recovery_share/{member_id}",
        handler=recovery_endpoints.read_encrypted_share,
        gives=ClassicShare,
        is_primarys=True,
    ),
    Row(
        path="/recovery_share",
        handler=recovery_endpoints.read_own_share,
        gives=ClassicShare,
        auth=(MemberCert(), MemberCoseSign1("encrypted_recovery_share")),
        is_primarys=True,
    ),
    *(
        Row(
            path=path_of(table),
            handler=reader_of(table),
            gives=shape,
            may_be_nothing=isinstance(table, Value),
        )
        for table, shape in served_tables()
    ),
)


WRITES: tuple[Row, ...] = (
    Row(
        path="/proposals",
        handler=proposal_endpoints.create,
        takes=ClassicProposal,
        gives=ClassicProposalSummary,
        auth=(MemberCoseSign1("proposal"),),
        writes=True,
    ),
    Row(
        path="/proposals/{proposal_id}/withdraw",
        handler=proposal_endpoints.withdraw,
        gives=ProposalInfo,
        auth=(MemberCoseSign1("withdrawal"),),
        writes=True,
    ),
    Row(
        path="/proposals/{proposal_id}/ballots",
        handler=proposal_endpoints.submit_ballot,
        takes=ClassicBallot,
        gives=ClassicProposalSummary,
        auth=(MemberCoseSign1("ballot"),),
        writes=True,
    ),
    Row(
        path="/ack/update_state_digest",
        handler=member_endpoints.update_state_digest,
        gives=ClassicStateDigest,
        auth=(MemberCert(), MemberCoseSign1("state_digest")),
        writes=True,
    ),
    Row(
        path="/ack",
        handler=member_endpoints.acknowledge,
        takes=ClassicStateDigest,
        gives=None,
        auth=(MemberCoseSign1("ack"),),
        writes=True,
    ),
    Row(
        path="/recovery_share",
        handler=recovery_endpoints.submit_share,
        takes=ClassicShareSubmission,
        gives=ClassicShareReceived,
        auth=(MemberCertOfPlainBody(), MemberCoseSign1("recovery_share")),
        writes=True,
    ),
)


def add_classic_endpoints(registry: Registry, node: GovernanceNode) -> None:
    """Add every endpoint of the classic API, for ``node``."""
    for row in (*READS, *WRITES):
        registry.add(row.endpoint(node))
