"""Attacks on an application whose handlers hang, overflow or fail.

The handlers are in ``app``: an attacker only needs to call them.
"""

import contextlib
import secrets
from collections.abc import Sequence

from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Bounds, Spend
from tests.lab.attacks.wires import NoAnswer, connected

REQUESTS = 3
HUGE_ANSWER_MAX_S = 4.0
"""The gigabyte is filled in C, where Python's code cannot be interrupted. That alone
took between 0.4 and 1 s, and a newcomer's handshake waits for more than one such call.
There are fewer than a hundred answers meanwhile, of which the slowest counts."""
P99_MAX_S = 0.25
"""Beside a handler that never ends: Python runs one thread at a time."""
_SERVER_ERROR = 500
_ERROR = 400


async def _ask(target: Target, spend: Spend, path: str) -> Sequence[str]:
    """Call a bad handler on the primary a few times, and expect an error each time."""
    breaches: list[str] = []
    for _ in range(REQUESTS):
        try:
            async with connected(target.address, spend) as wire:
                answered = await wire.ask("GET", path)
        except NoAnswer as error:
            breaches.append(f"{path} has no answer: {error}")
            break
        if answered.status < _ERROR:
            breaches.append(f"{path} was answered with {len(answered.body)} bytes")
    if not breaches and path not in target.primary.log.read_text(errors="replace"):
        breaches.append(f"the log does not name {path}")
    return sorted(set(breaches))


async def loop(target: Target, spend: Spend) -> Sequence[str]:
    """Call a handler that never ends."""
    return await _ask(target, spend, "/app/hostile/loop")


async def sleep(target: Target, spend: Spend) -> Sequence[str]:
    """Call a handler that waits in the system for longer than an election timeout."""
    return await _ask(target, spend, "/app/hostile/sleep")


async def huge(target: Target, spend: Spend) -> Sequence[str]:
    """Call a handler whose answer is far too large."""
    return await _ask(target, spend, "/app/hostile/huge")


async def deep(target: Target, spend: Spend) -> Sequence[str]:
    """Call a handler whose answer is nested far too deeply."""
    return await _ask(target, spend, "/app/hostile/deep")


async def errors(target: Target, spend: Spend) -> Sequence[str]:
    """Fail in a handler with a private value, and search for it where others read."""
    canary = secrets.token_hex(16)
    async with target.connect("user0") as user:
        await user.request("PUT", "/app/notes/canary", json={"text": canary})
    breaches: list[str] = []
    for node in target.network.serving:
        with contextlib.suppress(NoAnswer):
            async with connected(node.address, spend) as wire:
                answered = await wire.ask("GET", "/app/hostile/raise/canary")
            if canary.encode() in answered.body:
                breaches.append("a private value is in an answer")
            if answered.status < _SERVER_ERROR:
                breaches.append(f"an error was answered with {answered.status}")
    breaches += [
        f"a private value is in {path.name} of {node.name}"
        for node in target.network.serving
        for path in (node.log, node.folder / "err")
        if canary in path.read_text(errors="replace")
    ]
    return sorted(set(breaches))


ATTACKS = (
    Attack(
        name="errors",
        family=Family.HANDLERS,
        about="a handler fails with a private value in its error",
        perform=errors,
    ),
    Attack(
        name="deep",
        family=Family.HANDLERS,
        about="a handler answers with a list nested 100,000 deep",
        perform=deep,
    ),
    Attack(
        name="loop",
        family=Family.HANDLERS,
        about="a handler loops for ever",
        perform=loop,
        bounds=Bounds(p99_max_s=P99_MAX_S),
    ),
    Attack(
        name="sleep",
        family=Family.HANDLERS,
        about="a handler sleeps for 8 s",
        perform=sleep,
        bounds=Bounds(p99_max_s=P99_MAX_S),
        is_quick=False,
    ),
    Attack(
        name="huge",
        family=Family.HANDLERS,
        about="a handler answers with 121,909,581 texts",
        perform=huge,
        bounds=Bounds(p99_max_s=HUGE_ANSWER_MAX_S, answer_max_s=HUGE_ANSWER_MAX_S),
        is_quick=False,
    ),
)
