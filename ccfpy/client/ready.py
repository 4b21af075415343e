"""Reading what a service prepares first, such as a state of the past.

The service reads old entries back from its ledger. Meanwhile it answers 202, and says
in ``Retry-After`` when to ask again.
"""

import asyncio
import time

from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.reply import Reply
from ccfpy.client.sending import Client, Sending
from ccfpy.client.waits import asked_wait_s

READY_TIMEOUT_S = 30.0
READY_WAIT_S = 0.25
"""Between two requests, if the service names no time."""

_ACCEPTED = 202


async def get_when_ready(client: Client, path: str, options: Sending) -> Reply:
    """Read until the answer is not 202; see ``Connection.get_when_ready``."""
    timeout_s = options.get("timeout_s")
    total_s = READY_TIMEOUT_S if timeout_s is None else timeout_s
    deadline = time.monotonic() + total_s
    while True:
        options["timeout_s"] = deadline - time.monotonic()
        reply = await client.get(path, **options)
        if reply.status != _ACCEPTED:
            return reply
        wait_s = asked_wait_s(reply.headers) or READY_WAIT_S
        if time.monotonic() + wait_s >= deadline:
            raise UnexpectedReply(f"{path} is not ready after {total_s:g} s")
        await asyncio.sleep(wait_s)
