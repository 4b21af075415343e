"""Nothing is signed that the person at the terminal did not agree to."""

import asyncio
from collections.abc import Sequence

import pytest

from ccfpy.console.signing import Desk, NotSigned, Pen
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


def test_a_sandbox_may_sign_without_asking() -> None:
    pen = Pen(name="alice", signer=SIGNER, confirm=None)
    assert asyncio.run(Desk(pen).allowed([])) is pen
