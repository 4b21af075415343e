"""Attacks on the sample app `etcd`: very many watches of one key, and large values.

One user opens as many watches as the service allows, on many streams. Most clients read
nothing, and one reads. Then the user puts a large value under the key, again and again.
"""

import asyncio
import base64
from collections.abc import Sequence
from contextlib import AsyncExitStack

from apps.etcd.limits import WATCHES_MAX, WATCHES_PER_CALLER_MAX
from apps.etcd.messages import WatchCreateRequest, WatchRequest, WatchResponse
from apps.etcd.wire import decode, encode
from ccfpy.app import GrpcMessages, grpc_message
from ccfpy.http.http2_library import SettingCodes
from tests.lab.attacks.attack import App, Attack, Family, Target
from tests.lab.attacks.bounds import Bounds, Spend
from tests.lab.attacks.wires import NoAnswer, Wire, connected, stranger_context
from tests.unit.http.h2_client import H2Client

PATH = "/etcdserverpb.Watch/Watch"
HEADERS = (("content-type", "application/grpc"), ("te", "trailers"))
KEY = b"attacked"
VALUE = bytes(700 << 10)
PUTS = 2
CONNECTIONS = 4
"""Of clients that read nothing, beside the one that reads."""
STREAMS = 16
"""On each of these connections."""
READ_S = 4.0
READ_BYTES = 1 << 16
PAUSE_S = 0.1
WINDOW = {
    True: {SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24},
    False: {SettingCodes.INITIAL_WINDOW_SIZE: 0},
}
"""How much a client may be sent that reads, and one that does not."""
MEMORY_PEAK_GROWTH_MAX_BYTES = 96 << 20
"""For three nodes: each keeps the values, and the primary what it sends."""


class _Watcher:
    """One connection, with streams of watches.

    A client that does not read opens no window for answers; what HTTP/2 itself says it
    reads.

    Attributes:
        told: how many watches were created, refused, and told of events.
    """

    def __init__(self, wire: Wire, *, reads: bool) -> None:
        self._wire = wire
        self._h2 = H2Client(WINDOW[reads])
        self._messages: dict[int, GrpcMessages] = {}
        self._read: dict[int, int] = {}
        self.created = self.refused = self.events = 0

    async def begin(self, streams: int) -> None:
        """Open streams, each with as many watches as it may have."""
        asked = WatchRequest(create_request=WatchCreateRequest(key=KEY))
        some = grpc_message(encode(asked)) * WATCHES_MAX
        for _ in range(streams):
            stream = self._h2.ask("POST", PATH, headers=HEADERS, ends=False)
            self._messages[stream], self._read[stream] = GrpcMessages(1 << 22), 0
            for begin in range(0, len(some), 1 << 14):
                piece = some[begin : begin + (1 << 14)]
                while self._h2.h2.local_flow_control_window(stream) < len(piece):
                    await self.read(PAUSE_S)
                self._h2.h2.send_data(stream, piece)
                await self._wire.send(self._h2.take())

    async def read(self, within_s: float) -> None:
        """Read for some time."""
        try:
            async with asyncio.timeout(within_s):
                while data := await self._wire.reader.read(READ_BYTES):
                    self._h2.receive(data)
                    await self._wire.send(self._h2.take())
                    self._note()
        except TimeoutError:
            pass
        except OSError as error:
            raise NoAnswer(str(error)) from error

    def _note(self) -> None:
        for stream, messages in self._messages.items():
            answer = self._h2.answers.get(stream)
            if answer is None or not answer.body:
                continue
            body, answer.body = answer.body, b""
            for message in messages.feed(body):
                told = decode(WatchResponse, message)
                self.created += told.created and not told.canceled
                self.refused += told.canceled
                self.events += len(told.events)


async def watches(target: Target, spend: Spend) -> Sequence[str]:
    """Watch one key very often, and put large values under it."""
    async with AsyncExitStack() as stack:

        async def watcher(*, reads: bool) -> _Watcher:
            context = stranger_context(target.keys("user0"))
            context.set_alpn_protocols(["h2"])
            wire = await stack.enter_async_context(
                connected(target.http2_address, spend, context=context)
            )
            return _Watcher(wire, reads=reads)

        reader = await watcher(reads=True)
        await reader.begin(1)
        await reader.read(1.0)
        for _ in range(CONNECTIONS):
            await (await watcher(reads=False)).begin(STREAMS)
        late = await watcher(reads=True)
        await late.begin(1)
        await late.read(1.0)
        user = await stack.enter_async_context(target.connect("user0"))
        body = {
            "key": base64.b64encode(KEY).decode(),
            "value": base64.b64encode(VALUE).decode(),
        }
        for _ in range(PUTS):
            (await user.request("POST", "/v3/kv/put", json=body)).raise_for_error()
            spend.bytes_authenticated += len(body["value"])
            await reader.read(READ_S / PUTS)
        return _breaches(reader, late)


def _breaches(reader: _Watcher, late: _Watcher) -> Sequence[str]:
    found = []
    if reader.created != WATCHES_MAX:
        found.append(f"{reader.created} watches of {WATCHES_MAX} were created")
    if late.created:
        found.append(f"a user has more than {WATCHES_PER_CALLER_MAX} watches")
    if not reader.events:
        found.append("a client that reads was told nothing")
    return found


ATTACKS = (
    Attack(
        name="watches",
        family=Family.FAIRNESS,
        about="very many watches of one key, under which large values are put",
        perform=watches,
        app=App.ETCD,
        bounds=Bounds(memory_peak_growth_max_bytes=MEMORY_PEAK_GROWTH_MAX_BYTES),
        is_quick=False,
    ),
)
