"""Nothing is signed that the person at the terminal did not agree to."""

import asyncio
from collections.abc import Sequence

import pytest

from ccfpy.console.signing import Desk, NotSigned, Pen, Roles
from ccfpy.testing.node import Person
from tests.unit.client.hosted import PersonsSigner

SIGNER = PersonsSigner(Person.make("alice"))


class Terminal:
    """Answers when it is told what to."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def ask(self, lines: Sequence[str]) -> bool:
        self.shown += lines
        return await self.answer


def _desk(terminal: Terminal) -> Desk:
    return Desk(Pen(name="alice", signer=SIGNER, confirm=terminal.ask))


def test_the_person_is_shown_what_is_signed() -> None:
    async def main() -> None:
        terminal = Terminal()
        terminal.answer.set_result(True)
        assert (await _desk(terminal).allowed(["a ballot"])).signer is SIGNER
        assert terminal.shown == ["alice is to sign:", "a ballot"]

    asyncio.run(main())


def test_a_no_signs_nothing() -> None:
    async def main() -> None:
        terminal = Terminal()
        terminal.answer.set_result(False)
        with pytest.raises(NotSigned, match="said no"):
            await _desk(terminal).allowed([])

    asyncio.run(main())


def test_one_question_is_asked_at_a_time() -> None:
    async def main() -> None:
        terminal = Terminal()
        desk = _desk(terminal)
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(desk.allowed(["first"]))
            await asyncio.sleep(0)
            with pytest.raises(NotSigned, match="another signature"):
                await desk.allowed(["second"])
            terminal.answer.set_result(True)
        assert (await first).name == "alice"
        assert "second" not in terminal.shown

    asyncio.run(main())


def test_a_console_without_a_key_only_reads() -> None:
    with pytest.raises(NotSigned, match="only reads"):
        asyncio.run(Desk(None).allowed([]))


def test_a_console_without_a_key_asks_before_it_sends_or_refuses() -> None:
    async def main() -> None:
        terminal = Terminal()
        terminal.answer.set_result(True)
        await Desk(None, terminal.ask).agreed(["a request"])
        assert terminal.shown == ["a request"]
        assert Desk(None, terminal.ask).may_ask
        with pytest.raises(NotSigned, match="nobody is here"):
            await Desk(None).agreed(["a request"])
        await Desk(None, None).agreed(["a request"])
        assert not Desk(None, None).may_ask

    asyncio.run(main())


def test_a_users_key_signs_nothing() -> None:
    pen = Pen(name="ulrich", signer=SIGNER, confirm=None)
    roles = Roles(is_user=True, is_member=False)
    with pytest.raises(NotSigned, match="ulrich is a user"):
        asyncio.run(Desk(pen, roles=roles).allowed(["a ballot"]))
    roles.is_member = True
    assert asyncio.run(Desk(pen, roles=roles).allowed(["a ballot"])) is pen


def test_a_sandbox_may_sign_without_asking() -> None:
    pen = Pen(name="alice", signer=SIGNER, confirm=None)
    assert asyncio.run(Desk(pen).allowed([])) is pen
