"""Attacks on governance: members' requests sent again, and false times."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from ccfpy.audit.tail import Salvaged
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import JsonObject, dumps
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import API_VERSION, COSE_TYPE, CreatedAt, Governance
from ccfpy.client.keys import FileSigner, member_id
from ccfpy.client.vocabulary import MessageType
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.ec import Curve
from ccfpy.ledger.chunk import ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.service.tables import members, proposals
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.wires import Wire, connected

ORDERS = {
    Curve.SECP256R1: int(
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16
    ),
    Curve.SECP384R1: int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
}
"""How many points each curve has (SEC 2): with (r, s), (r, n - s) verifies too."""
_TABLES = (proposals.COSE_HISTORY, members.ACKS)
NEVER_S = 9_999_999_999
"""The last time that ten digits name: the year 2286."""
AHEAD_PROPOSALS = 60
"""More than half of what a service remembers, whatever it has seen so far."""
ACKS_AGAIN = 600


class Published(NamedTuple):
    """A member's signed request, as anybody finds it in the ledger."""

    kind: str
    envelope: bytes

    @property
    def message(self) -> cose.Sign1:
        """Return the parsed message."""
        return cose.parse(self.envelope)


def mirrored(envelope: bytes, order: int) -> bytes:
    """Return a COSE_Sign1 with the other form of its signature, which verifies too."""
    tagged = cbor.decode(envelope)
    *parts, signature = tagged.value
    half = len(signature) // 2
    s = int.from_bytes(signature[half:], "big")
    other = signature[:half] + (order - s).to_bytes(half, "big")
    return cbor.encode(cbor.Tag(tagged.tag, [*parts, other]))


def with_note(envelope: bytes) -> bytes:
    """Return a COSE_Sign1 with something in the header that nobody signed."""
    return cose.set_unprotected(envelope, {"note": 1})


def forms(envelope: bytes, order: int) -> Mapping[str, bytes]:
    """Return the forms in which a request is sent again, by their names."""
    return {
        "as it was": envelope,
        "with (r, n - s)": mirrored(envelope, order),
        "with an unsigned header": with_note(envelope),
    }


def published(folder: Path) -> list[Published]:
    """Read all requests of members that a ledger has, oldest first."""
    names = sorted(
        (name, path)
        for path in folder.iterdir()
        if (name := _chunk_name(path)) is not None
    )
    return [found for name, path in names for found in _published(name, path)]


def _chunk_name(path: Path) -> ChunkName | None:
    try:
        return ChunkName.parse(path.name)
    except Malformed:
        return None


def _published(name: ChunkName, path: Path) -> Iterator[Published]:
    salvaged = Salvaged.of(name, path.read_bytes())
    for seqno in range(name.first, salvaged.last + 1):
        entry = salvaged.data[salvaged.stop(seqno - 1) : salvaged.stop(seqno)]
        try:
            writes = Transaction.parse(entry).domain.write_set
        except CcfpyError:
            return
        for value in writes.get(proposals.COSE_HISTORY.name, {}).values():
            if value is not None:
                yield _named(proposals.COSE_HISTORY.value_codec.decode(value))
        for value in writes.get(members.ACKS.name, {}).values():
            if value is not None:
                request = members.ACKS.value_codec.decode(value).cose_sign1_req
                if request:
                    yield _named(request)


def _named(envelope: bytes) -> Published:
    kind = cose.parse(envelope).protected.get("ccf.gov.msg.type")
    return Published(str(kind), envelope)


async def replay(target: Target, spend: Spend) -> Sequence[str]:
    """Send proposals and ballots of the ledger once more, in each of their forms."""
    network = target.network
    await network.govern([_set_data(1)])
    await network.govern([_set_data(2)])
    order = ORDERS[network.options.curve]
    breaches: list[str] = []
    async with connected(target.address, spend) as wire:
        for kind, envelope in published(target.primary.ledger):
            path = _path(kind, envelope)
            if path is None or kind == MessageType.ACK:
                continue
            for form, body in forms(envelope, order).items():
                if await _is_taken(wire, path, body):
                    breaches.append(f"a signed {kind} was taken again {form}")
    return sorted(set(breaches))


async def acks_again(target: Target, spend: Spend) -> Sequence[str]:
    """Send one member's acknowledgement again and again, in each of its forms.

    A repeated acknowledgement says nothing new, so a node may accept it again; it must
    not write it each time.
    """
    acks = [each for each in published(target.primary.ledger) if each.kind == "ack"]
    envelope = acks[-1].envelope
    path = _path("ack", envelope)
    assert path is not None, "an acknowledgement has its path"
    order = ORDERS[target.network.options.curve]
    bodies = cycle(forms(envelope, order).values())
    async with connected(target.address, spend) as wire:
        for _ in range(ACKS_AGAIN):
            await _is_taken(wire, path, next(bodies))
    return ()


def _path(kind: str, envelope: bytes) -> str | None:
    """Return the path of a request, or None for a request that is of no use again."""
    message = cose.parse(envelope)
    signer = (message.key_id or b"").decode()
    proposal = message.protected.get("ccf.gov.msg.proposal_id")
    paths = {
        MessageType.PROPOSAL: "/gov/members/proposals:create",
        MessageType.BALLOT: (
            f"/gov/members/proposals/{proposal}/ballots/{signer}:submit"
        ),
        MessageType.ACK: f"/gov/members/state-digests/{signer}:ack",
    }
    path = paths.get(MessageType(kind))
    return None if path is None else f"{path}?api-version={API_VERSION}"


async def _is_taken(wire: Wire, path: str, body: bytes) -> bool:
    answered = await wire.ask(
        "POST", path, body=body, headers={"content-type": COSE_TYPE}
    )
    return answered.status < 300  # noqa: PLR2004  # HTTP's classes of status


async def future(target: Target, spend: Spend) -> Sequence[str]:
    """Propose as one member with times far ahead, and then as an honest member."""
    network = target.network
    late = network.options.members[1]
    signer = FileSigner.load(target.keys(late))
    document = dumps({"actions": [_set_data(3)]})
    refusals: list[str] = []
    async with target.connect() as anybody:
        for number in range(AHEAD_PROPOSALS):
            spend.bytes_sent += len(document)
            spend.bytes_authenticated += len(document)
            ahead = Governance(
                anybody, signer, created_at=_Always(NEVER_S - AHEAD_PROPOSALS + number)
            )
            with contextlib.suppress(ServiceError):
                await ahead.propose_document(document)
        honest = target.member(anybody, 0)
        try:
            status = await honest.propose([_set_data(4)])
            await honest.withdraw(status.proposal_id)
        except ServiceError as error:
            refusals.append(f"another member can propose no more: {error}")
    spend.connections += 1
    assert member_id(signer.certificate), "it signs as itself"
    return refusals


class _Always(CreatedAt):
    """A clock that stands still."""

    def __init__(self, at_s: int) -> None:
        super().__init__(lambda: float(at_s))


def _set_data(value: int) -> JsonObject:
    arguments: JsonObject = {"user_id": "0" * 64, "user_data": {"value": value}}
    return {"name": "set_user_data", "args": arguments}


ATTACKS = (
    Attack(
        name="replay",
        family=Family.GOVERNANCE,
        about="a stranger sends members' requests of the public ledger again",
        perform=replay,
    ),
    Attack(
        name="acks",
        family=Family.GOVERNANCE,
        about=f"a stranger sends one acknowledgement {ACKS_AGAIN} times",
        perform=acks_again,
        is_quick=False,
    ),
    Attack(
        name="future",
        family=Family.GOVERNANCE,
        about=f"a member proposes {AHEAD_PROPOSALS} times with times far ahead",
        perform=future,
    ),
)
