"""Host and enclave together, each through its own face, in one process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ccfpy.boundary.lifecycle import EnclaveStage, ResourceLimit, WrongStage
from ccfpy.enclave.in_process import InProcess
from ccfpy.toolkit.enclave import Enclave, Limits
from ccfpy.toolkit.enclave.process import protocol_of
from ccfpy.toolkit.host import (
    CallDenied,
    EnclaveAborted,
    EnclaveDestroyed,
    EnclaveNotStarted,
    HostedEnclave,
)
from ccfpy.toolkit.host.hosted import Link
from ccfpy.toolkit.interfaces import BoundaryViolation, Refusal, UntrustedTime
from ccfpy.toolkit.interfaces.messages import (
    Aborted,
    CallRefused,
    Denial,
    Ended,
    Initialized,
    Run,
)
from tests.unit.toolkit.enclave.driven import (
    INTERFACE,
    Driven,
    Host,
    Trusted,
    enclave,
)

Pair = HostedEnclave[Trusted, Host]
NOW = UntrustedTime(claimed_unix_us=5)


class Services:
    """A host that keeps notes, and does what a test puts in its way."""

    def __init__(self) -> None:
        self.notes: list[bytes] = []
        self.before: Callable[[bytes], Awaitable[object]] | None = None

    async def store(self, note: bytes) -> int:
        if self.before is not None:
            await self.before(note)
        self.notes.append(note)
        return len(self.notes)

    async def now(self) -> UntrustedTime:
        return NOW


def linked(made: Enclave[Any, Any]) -> Link:
    return InProcess(protocol_of(made), lambda: Driven(enclave=made).dispatcher)


@asynccontextmanager
async def running(
    services: Host | None = None,
    **limits: Any,  # noqa: ANN401  # those of Limits
) -> AsyncIterator[Pair]:
    link = linked(enclave(**limits))
    pair = HostedEnclave(INTERFACE, services or Services(), link)
    await pair.initialize()
    pair.run()
    try:
        yield pair
    finally:
        pair.destroy()


# Calls.


def test_a_function_is_called_as_if_it_were_here() -> None:
    async def scene() -> None:
        services = Services()
        async with running(services) as pair:
            assert await pair.trusted.plain(1) == 2
            assert await pair.trusted.plain(number=2) == 3
            assert await pair.trusted.keep(b"a") == 1
            assert services.notes == [b"a"]
            assert await pair.trusted.when() == NOW

    asyncio.run(scene())


def test_a_refusal_arrives_with_its_word() -> None:
    async def scene() -> None:
        async with running() as pair:
            with pytest.raises(Refusal) as refused:
                await pair.trusted.refuse("no")
            assert refused.value.word == "no"
            assert await pair.trusted.plain(1) == 2

    asyncio.run(scene())


def test_what_does_not_fit_is_not_sent_and_the_enclave_goes_on() -> None:
    async def scene() -> None:
        async with running() as pair:
            with pytest.raises(BoundaryViolation, match="note: 65, which is more"):
                await pair.trusted.keep(bytes(65))
            with pytest.raises(TypeError, match="missing a required argument"):
                await pair.trusted.keep()  # type: ignore[call-arg]  # wrong on purpose
            assert not hasattr(pair.trusted, "fetch")
            assert await pair.trusted.plain(1) == 2

    asyncio.run(scene())


def test_many_calls_at_once_each_have_their_own_answer() -> None:
    async def scene() -> None:
        async with running(calls_at_once_max=3) as pair:
            calls = [pair.trusted.plain(n) for n in range(20)]
            assert await asyncio.gather(*calls) == list(range(1, 21))
            kept = await asyncio.gather(*[pair.trusted.keep(b"x") for _ in range(9)])
            assert sorted(kept) == list(range(1, 10))

    asyncio.run(scene())


def test_a_call_beyond_those_that_may_wait_is_denied() -> None:
    async def scene() -> None:
        services, gate = Services(), asyncio.Event()
        services.before = lambda _: gate.wait()
        async with running(services, calls_waiting_max=0) as pair:
            first = asyncio.gather(pair.trusted.keep(b"1"))
            await asyncio.sleep(0)
            with pytest.raises(CallDenied, match="plain is not begun: too many") as no:
                await pair.trusted.plain(1)
            assert no.value.denial is Denial.FULL
            gate.set()
            assert list(await first) == [1]
            assert await pair.trusted.plain(1) == 2

    asyncio.run(scene())


# Services.


def test_a_service_may_call_what_its_function_allows() -> None:
    async def scene() -> None:
        services = Services()
        async with running(services) as pair:
            services.before = pair.trusted.confirm
            assert await pair.trusted.keep(b"abc") == 1
            with pytest.raises(CallDenied, match="only while the host serves"):
                await pair.trusted.confirm(b"")

    asyncio.run(scene())


def test_a_service_may_not_call_what_its_function_does_not_allow() -> None:
    async def scene() -> None:
        services = Services()
        async with running(services) as pair:
            services.before = lambda _: pair.trusted.plain(1)
            # The service fails by that, and its caller does not expect it.
            with pytest.raises(EnclaveAborted) as aborted:
                await pair.trusted.keep(b"abc")
            assert isinstance(aborted.value.__cause__, CallDenied)
            assert aborted.value.__cause__.denial is Denial.NOT_ALLOWED

    asyncio.run(scene())


def test_a_service_refuses_by_a_declared_word() -> None:
    async def scene() -> None:
        services = Services()

        async def full(note: bytes) -> None:
            raise Refusal("full" if note else "other")

        services.before = full
        async with running(services) as pair:
            assert await pair.trusted.cope() == "the host's store failed (None)"
            with pytest.raises(EnclaveAborted):
                await pair.trusted.keep(b"x")

    asyncio.run(scene())


@pytest.mark.parametrize("wrong", ["text", -1, None, True])
def test_a_service_that_answers_wrongly_has_failed(wrong: object) -> None:
    class Wrong(Services):
        async def store(self, note: bytes) -> int:
            del note
            return wrong  # type: ignore[return-value]  # wrong on purpose

    async def scene() -> None:
        async with running(Wrong()) as pair:
            assert await pair.trusted.cope() == "the host's store failed (None)"

    asyncio.run(scene())


def test_an_enclave_may_cope_with_a_service_that_fails() -> None:
    async def scene() -> None:
        services = Services()

        async def broken(note: bytes) -> None:
            raise OSError(f"no room for {len(note)} bytes")

        services.before = broken
        async with running(services) as pair:
            assert await pair.trusted.cope() == "the host's store failed (None)"
            with pytest.raises(EnclaveAborted) as aborted:
                await pair.trusted.keep(b"x")
            assert isinstance(aborted.value.__cause__, OSError)

    asyncio.run(scene())


def test_who_gives_up_a_call_does_not_hold_the_enclave_up() -> None:
    async def scene() -> None:
        services = Services()
        services.before = lambda _: asyncio.Event().wait()
        async with running(services) as pair:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await pair.trusted.cope()
            assert await pair.trusted.plain(1) == 2

    asyncio.run(scene())


def test_what_a_service_left_behind_delays_its_answer_and_breaks_nothing() -> None:
    async def scene() -> None:
        gate = asyncio.Event()
        left: list[asyncio.Future[tuple[int]]] = []

        async def leave(note: bytes) -> None:
            if note == b"all":
                await gate.wait()
            else:
                left.append(asyncio.gather(pair.trusted.confirm_all()))
                await asyncio.sleep(0)

        noted = asyncio.Event()

        class Noting(Services):
            async def store(self, note: bytes) -> int:
                try:
                    return await super().store(note)
                finally:
                    noted.set()

        services = Noting()
        services.before = leave
        async with running(services) as pair:
            kept = asyncio.gather(pair.trusted.keep(b"x"))
            await noted.wait()
            assert not kept.done()
            gate.set()
            assert list(await kept) == [1]
            assert list(await left[0]) == [2]

    asyncio.run(scene())


def test_a_call_after_its_service_is_within_nothing() -> None:
    async def scene() -> None:
        services = Services()
        gate = asyncio.Event()

        async def later() -> int:
            await gate.wait()
            return await pair.trusted.plain(1)

        left: list[asyncio.Future[tuple[int]]] = []

        async def leave(_: bytes) -> None:
            left.append(asyncio.gather(later()))

        services.before = leave
        async with running(services) as pair:
            assert await pair.trusted.keep(b"x") == 1
            gate.set()
            assert list(await left[0]) == [2]

    asyncio.run(scene())


# The stages and the end.


def test_the_host_sees_the_stages() -> None:
    async def scene() -> None:
        pair = HostedEnclave(INTERFACE, Services(), linked(enclave()))
        stages = [pair.stage]
        assert (pair.instance, pair.isolation) == (b"", "")
        with pytest.raises(WrongStage, match="is created, not running"):
            await pair.trusted.plain(1)
        with pytest.raises(WrongStage):
            pair.run()
        await pair.initialize()
        stages.append(pair.stage)
        assert len(pair.instance) == 16
        assert pair.isolation == "none: a test"
        with pytest.raises(WrongStage, match="is initialized, not running"):
            await pair.trusted.plain(1)
        pair.run()
        stages.append(pair.stage)
        pair.destroy()
        stages.append(pair.stage)
        assert stages == list(EnclaveStage)
        for again in (pair.initialize, pair.run):
            with pytest.raises(WrongStage):
                await again()  # type: ignore[misc]  # one of the two is refused before
        pair.destroy()
        with pytest.raises(EnclaveDestroyed, match="create another"):
            await pair.trusted.plain(1)

    asyncio.run(scene())


def test_calls_under_way_learn_of_the_end() -> None:
    async def scene() -> None:
        services = Services()
        services.before = lambda _: asyncio.Event().wait()
        async with running(services) as pair:
            call = asyncio.gather(pair.trusted.keep(b"x"))
            waiting = asyncio.gather(pair.trusted.plain(1))
            await asyncio.sleep(0)
            pair.destroy()
            with pytest.raises(EnclaveDestroyed):
                await waiting
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(scene())


def test_after_a_defect_every_call_says_that_the_enclave_aborted() -> None:
    async def scene() -> None:
        async with running(calls_at_once_max=2) as pair:
            calls = [
                pair.trusted.misbehave("after the host"),
                pair.trusted.misbehave("defect"),
            ]
            said = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(it) for it in said] == [EnclaveAborted] * 2
            for _ in range(2):
                with pytest.raises(EnclaveAborted) as aborted:
                    await pair.trusted.plain(1)
                assert "ValueError at" in str(aborted.value)
                assert "secret" not in str(aborted.value)
            assert pair.stage is EnclaveStage.DESTROYED
            with pytest.raises(WrongStage):
                await pair.initialize()

    asyncio.run(scene())


def test_an_enclave_of_another_interface_is_not_started() -> None:
    async def scene() -> None:
        other = Driven(enclave=Enclave(interface=INTERFACE, code=lambda _: _))
        other.dispatcher._interface = other.interface.__class__(
            "other", trusted=Trusted, untrusted=Host
        )
        link = InProcess(protocol_of(other.enclave), lambda: other.dispatcher)
        pair = HostedEnclave(INTERFACE, Services(), link)
        with pytest.raises(EnclaveNotStarted, match="build both from the same"):
            await pair.initialize()
        assert pair.stage is EnclaveStage.DESTROYED

    asyncio.run(scene())


# An enclave that says what it should not.


class _Scripted:
    """A link to nothing, that a test speaks for."""

    exit_code: int | None = None

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.is_stopped = False

    async def start(self, observer: Any) -> None:  # noqa: ANN401  # the pair
        self.observer = observer

    def send(self, events: object) -> None:
        if events != [Run()] and self._answers:
            self.observer.effects_received([self._answers.pop(0)])

    def stop(self) -> None:
        self.is_stopped = True


BEGUN = Initialized(schema=INTERFACE.schema_digest, instance=bytes(16), isolation="")


async def _scripted(*answers: object) -> tuple[Pair, _Scripted]:
    link = _Scripted(*answers)
    pair: Pair = HostedEnclave(INTERFACE, Services(), link)
    await pair.initialize()
    pair.run()
    return pair, link


def test_a_digest_of_another_interface_is_not_accepted() -> None:
    async def scene() -> None:
        other = Initialized(schema="0" * 64, instance=bytes(16), isolation="")
        with pytest.raises(EnclaveNotStarted, match="the enclave's interface is 0000"):
            await _scripted(other)

    asyncio.run(scene())


@pytest.mark.parametrize(
    "answer",
    [
        CallRefused(call=1, word="undeclared"),
        INTERFACE.trusted[1].answer(
            number=1, result=INTERFACE.trusted[1].function.result(result=1)
        ),
    ],
)
def test_an_enclave_that_answers_something_else_is_ended(answer: object) -> None:
    async def scene() -> None:
        pair, link = await _scripted(BEGUN, answer)
        with pytest.raises(EnclaveAborted, match="answers something else than plain"):
            await pair.trusted.plain(1)
        assert link.is_stopped

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("said", "exit_code", "limit"),
    [
        (
            Aborted(reason="it broke", limit=ResourceLimit.MEMORY),
            1,
            ResourceLimit.MEMORY,
        ),
        (None, -24, ResourceLimit.CPU),
        (None, -27, ResourceLimit.CALL_CPU),
        (None, -9, None),
    ],
)
def test_the_limit_that_ended_an_enclave_is_in_the_error(
    said: object | None, exit_code: int, limit: ResourceLimit | None
) -> None:
    async def scene() -> None:
        pair, link = await _scripted(BEGUN, *([said] if said else []))
        link.exit_code = exit_code
        asked = asyncio.gather(pair.trusted.plain(1))
        await asyncio.sleep(0)
        pair.link_lost("the process ended")
        with pytest.raises(EnclaveAborted) as aborted:
            await asked
        assert aborted.value.limit is limit
        named = "" if limit is None else f"it reached its limit {limit}: "
        reason = "the process ended" if said is None else "it broke"
        assert str(aborted.value) == f"the enclave aborted: {named}{reason}"

    asyncio.run(scene())


def test_an_enclave_that_ends_unasked_has_aborted() -> None:
    async def scene() -> None:
        pair, _ = await _scripted(BEGUN, Ended(refusal=None))
        with pytest.raises(EnclaveAborted, match="it ended unasked"):
            await pair.trusted.plain(1)

    asyncio.run(scene())


def test_the_default_limits_are_no_secret() -> None:
    assert enclave().limits == Limits()
    assert enclave().definition.endswith(f"limits\n{Limits().text}")
    assert enclave().definition_digest != enclave(cpu_s_max=1).definition_digest
