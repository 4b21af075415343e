"""Public tables of a service of three members, and proposals in them."""

from collections.abc import Mapping

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.base.json import Json, dumps
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.client.governance import ACCEPT
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.share import constitution
from ccfpy.kv.store import Store
from ccfpy.service.tables import members, proposals, service
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from ccfpy.service.tables.service import CONSTITUTION
from ccfpy.testing.node import Person

RULES = "\n".join(path.read_text() for path in constitution("default"))
ALICE, BOB, CAROL = (MemberId(each * 32) for each in ("aa", "bb", "cc"))
PROPOSAL = ProposalId("ea" * 32)
USER = Person.make("clerk").certificate


def action(name: str, **arguments: Json) -> Json:
    return {"name": name, "args": arguments}


ADDS_USER = action("set_user", cert=USER.pem, user_data={"role": "clerk"})


def public_state(
    *actions: Json,
    ballots: Mapping[MemberId, str] | None = None,
    rules: str = RULES,
    state: ProposalState = ProposalState.OPEN,
    body: bytes | None = None,
) -> PublicState:
    """Return a state with one proposal, which Alice made: actions, or bytes."""
    store = Store()
    tx = store.begin()
    CONSTITUTION.of(tx).put(rules)
    status = ServiceStatus.OPEN
    service.INFO.of(tx).put(service.ServiceInfo(cert=USER.pem, status=status))
    service.CONFIGURATION.of(tx).put(service.ServiceConfiguration())
    for member_id in (ALICE, BOB, CAROL):
        members.INFO.of(tx).put(member_id, MemberInfo(status=MemberStatus.ACTIVE))
    info = ProposalInfo(proposer_id=ALICE, ballots=ballots or {}, state=state)
    proposals.INFO.of(tx).put(PROPOSAL, info)
    signed = dumps({"actions": list(actions)}) if body is None else body
    proposals.PROPOSALS.of(tx).put(PROPOSAL, signed)
    store.apply(1, tx.writes)
    return PublicState(store=store, not_served=())


def in_favour(*member_ids: MemberId) -> dict[MemberId, str]:
    return dict.fromkeys(member_ids, ACCEPT)
