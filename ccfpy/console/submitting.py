"""Messages that somebody signed elsewhere: in the page, or on another machine.

The console forwards such a message as it came. The message's own headers say to which
endpoint it belongs, so that a page cannot choose another.
"""

import re
import time
from collections.abc import Iterator

from aiohttp import web

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.base.units import parse_size
from ccfpy.client.errors import ServiceError
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.client.signers import detached
from ccfpy.console.answers import SigningFacts, Submitted
from ccfpy.console.routes import answer
from ccfpy.console.service import Service
from ccfpy.service.nodes import trusted_nodes
from ccfpy.service.tables import members
from ccfpy.service.tables.nodes import INFO
from ccfpy.service.tables.proposals import COSE_RECENT_PROPOSALS

MESSAGE_BYTES_MAX = 16 * HTTP_BODY_BYTES_MAX
"""The longest message that the console forwards."""
SETTING = "http_configuration.max_body_size"
"""What an operator raises where a message is too long for a node."""
TABLES = (INFO, members.INFO, COSE_RECENT_PROPOSALS)
"""What must be read before signing."""
MEMBER_ID = re.compile("[0-9a-f]{64}")
_TOO_LARGE = 413


class SubmitRoutes:
    """What a signer must know before signing, and where signed messages are sent on."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def facts(self, request: web.Request) -> web.Response:
        """Answer what a signer compares before signing."""
        signer_id = asking_member(request, self._service)
        async with self._service.connect() as connection:
            state = await read_public_state(connection, only=TABLES)
        now_ms = time.time_ns() // 1_000_000
        return answer(facts_of(state, signer_id, now_ms=now_ms))

    async def submit(self, request: web.Request) -> web.Response:
        """Forward a signed message, and answer with what the service says.

        Raises:
            Malformed: the body is no message of a member's.
            ServiceError: the service refuses the message.
        """
        # The messages of this route alone may be longer than what pages ask.
        message = await request.clone(client_max_size=MESSAGE_BYTES_MAX).read()
        async with self._service.connect() as connection:
            try:
                reply = await detached.send(connection, message)
            except ServiceError as error:
                if error.status == _TOO_LARGE:
                    raise Malformed(too_long(len(message))) from error
                raise
        fields = reply.object() if reply.body else {}
        state, proposal_id = fields.get("proposalState"), fields.get("proposalId")
        return answer(
            Submitted(
                proposal_id=proposal_id if isinstance(proposal_id, str) else None,
                state=state if isinstance(state, str) else None,
                txid=None if reply.txid is None else str(reply.txid),
                text=reply.text,
            )
        )


def asking_member(request: web.Request, service: Service) -> MemberId | None:
    """Return who signs: the member whose key the page has, or the console's.

    Raises:
        Malformed: the page names no member's id.
    """
    given = request.query.get("member")
    if given is None:
        return service.signer_id
    if MEMBER_ID.fullmatch(given) is None:
        raise Malformed("a member's id is 64 digits of hex")
    return MemberId(given)


def facts_of(
    state: PublicState, signer_id: MemberId | None, *, now_ms: int
) -> SigningFacts:
    """Return what a signer compares before signing.

    Args:
        state: what ``TABLES`` hold.
        signer_id: who signs, if that is known.
        now_ms: this machine's clock, in milliseconds since 1970.
    """
    tx = state.store.begin(read_only=True)
    times = [key.partition(":")[0] for key, _ in COSE_RECENT_PROPOSALS.of(tx).items()]
    signer = None if signer_id is None else members.INFO.of(tx).get(signer_id)
    return SigningFacts(
        now_ms=now_ms,
        latest_created_at=max(map(int, filter(str.isdecimal, times)), default=None),
        body_bytes_max=min(_body_limits(state), default=HTTP_BODY_BYTES_MAX),
        setting=SETTING,
        member_status=None if signer is None else signer.status.value,
    )


def too_long(size: int) -> str:
    """Return why a node refuses a message of this size."""
    return (
        f"the message has {size:,} bytes, more than a node takes: an operator can "
        f"raise {SETTING} of the node's interface"
    )


def _body_limits(state: PublicState) -> Iterator[int]:
    """Yield how long a body may be, for each interface of each node of the service.

    Nodes that are not trusted say what they like.
    """
    for node in trusted_nodes(state.store.begin(read_only=True)).values():
        for interface in node.rpc_interfaces.values():
            limits = interface.http_configuration
            size = limits.get("max_body_size") if isinstance(limits, dict) else None
            try:
                yield parse_size(size) if isinstance(size, str) else HTTP_BODY_BYTES_MAX
            except Malformed:
                yield HTTP_BODY_BYTES_MAX
