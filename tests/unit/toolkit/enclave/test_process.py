"""Enclaves in processes of their own: their limits, their ends, what they cannot do."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccfpy.boundary.lifecycle import EnclaveStage, ResourceLimit, WrongStage
from ccfpy.boundary.wire import HEADER_BYTES
from ccfpy.host.enclave_process import EnclaveProcess, PipeEnds
from ccfpy.toolkit.host import (
    EnclaveAborted,
    EnclaveDestroyed,
    EnclaveNotStarted,
    HostedEnclave,
    hosted,
)
from ccfpy.toolkit.host.hosted import enclave_process
from ccfpy.toolkit.interfaces import Interface
from tests.unit.toolkit.enclave.rough import INTERFACE, Host, Trusted

ROUGH = Path(__file__).with_name("rough_enclave.py")
Rough = HostedEnclave[Trusted, Host]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux enforces limits")


class Services:
    async def wait(self) -> None:
        """Be there."""


def scene(play: Callable[[Rough], Awaitable[None]]) -> None:
    """Play a scene with an enclave."""

    async def whole() -> None:
        async with hosted(ROUGH, INTERFACE, Services()) as rough:
            await play(rough)

    asyncio.run(whole())


@pytest.mark.newest
def test_an_enclave_answers_from_a_process_of_its_own() -> None:
    async def play(rough: Rough) -> None:
        assert await rough.trusted.answer() == 42
        assert rough.stage is EnclaveStage.RUNNING
        link = rough._link
        assert isinstance(link, EnclaveProcess)
        assert link.process_id not in {None, os.getpid()}

    scene(play)


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize(
    ("how", "limit"),
    [
        ("memory", ResourceLimit.MEMORY),
        ("many small", ResourceLimit.MEMORY),
        ("recursion", ResourceLimit.RECURSION),
        ("call cpu", ResourceLimit.CALL_CPU),
        ("call cpu, stubborn", ResourceLimit.CALL_CPU),
        ("call cpu, in C", ResourceLimit.CALL_CPU),
        ("cpu between waits", ResourceLimit.CALL_CPU),
    ],
)
def test_a_limit_that_is_reached_ends_the_enclave_and_is_named(
    how: str, limit: ResourceLimit
) -> None:
    async def play(rough: Rough) -> None:
        with pytest.raises(EnclaveAborted, match=f"reached its limit {limit}: ") as end:
            await rough.trusted.overdo(how)
        assert end.value.limit is limit
        with pytest.raises(EnclaveAborted):
            await rough.trusted.answer()

    scene(play)


@pytest.mark.slow
@LINUX
def test_calls_that_each_keep_their_limit_reach_that_of_them_all() -> None:
    async def play(rough: Rough) -> None:
        async def overdo() -> None:
            for _ in range(100):
                await rough.trusted.overdo("cpu over calls")

        with pytest.raises(EnclaveAborted) as end:
            await overdo()
        assert end.value.limit is ResourceLimit.CPU

    scene(play)


@pytest.mark.newest
def test_a_defect_ends_the_enclave_and_tells_no_value() -> None:
    async def play(rough: Rough) -> None:
        with pytest.raises(EnclaveAborted) as end:
            await rough.trusted.overdo("defect")
        assert "ValueError at " in str(end.value)
        assert "rough_enclave.py" in str(end.value)
        assert "dawn" not in str(end.value)

    scene(play)


@pytest.mark.newest
@pytest.mark.parametrize(
    ("how", "ending"),
    [
        ("segfault", "the enclave process was killed by signal 11"),
        ("0", "the enclave process ended with code 0"),
        ("7", "the enclave process ended with code 7"),
    ],
)
def test_an_enclave_that_is_gone_without_a_word_has_aborted(
    how: str, ending: str
) -> None:
    async def play(rough: Rough) -> None:
        with pytest.raises(EnclaveAborted, match=f"the enclave aborted: {ending}"):
            await rough.trusted.overdo(how)
        assert rough.stage is EnclaveStage.DESTROYED

    scene(play)


@pytest.mark.newest
def test_an_enclave_that_is_killed_has_aborted() -> None:
    async def play(rough: Rough) -> None:
        link = rough._link
        assert isinstance(link, EnclaveProcess)
        assert link.process_id is not None
        os.kill(link.process_id, signal.SIGKILL)
        with pytest.raises(EnclaveAborted, match="was killed by signal 9"):
            await rough.trusted.answer()

    scene(play)


@pytest.mark.newest
@LINUX
@pytest.mark.parametrize("how", ["open", "connect", "start", "raise limit"])
def test_an_enclave_has_no_way_out_but_its_interface(how: str) -> None:
    async def play(rough: Rough) -> None:
        assert rough.isolation.startswith("Isolation")
        if rough.isolation.startswith("Isolation is reduced"):
            pytest.skip(rough.isolation)
        assert await rough.trusted.try_to(how) in (
            {"ValueError"} if how == "raise limit" else {"OSError", "PermissionError"}
        )

    scene(play)


@pytest.mark.newest
def test_a_destroyed_enclave_is_gone_for_good() -> None:
    async def play(rough: Rough) -> None:
        rough.destroy()
        link = rough._link
        assert isinstance(link, EnclaveProcess)
        assert link.exit_code is not None
        with pytest.raises(EnclaveDestroyed):
            await rough.trusted.answer()
        with pytest.raises(WrongStage):
            await rough.initialize()
        with pytest.raises(WrongStage):
            await link.start(rough)

    scene(play)


@pytest.mark.newest
def test_the_least_recursion_is_enough_to_answer(tmp_path: Path) -> None:
    program = tmp_path / "shallow_enclave.py"
    program.write_text(
        SMALL.replace("memory_bytes_max=1", "recursion_frames_max=FRAMES_MIN")
    )

    async def play() -> None:
        async with hosted(program, INTERFACE, Services()) as shallow:
            assert await shallow.trusted.answer() == 42
            with pytest.raises(EnclaveAborted) as end:
                await shallow.trusted.overdo("recursion")
            assert end.value.limit is ResourceLimit.RECURSION

    asyncio.run(play())


# Who is not started.

SMALL = """
from dataclasses import replace
from ccfpy.toolkit.enclave.program import FRAMES_MIN
from tests.unit.toolkit.enclave.rough_enclave import enclave as rough
enclave = replace(rough, limits=replace(rough.limits, memory_bytes_max=1))
"""


@asynccontextmanager
async def _started(
    program: Path, interface: Interface[Trusted, Host] = INTERFACE
) -> AsyncIterator[None]:
    async with hosted(program, interface, Services()):
        yield


@pytest.mark.newest
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no enclave '.*': give the path of a Python file, of a package"),
        ("import nowhere_to_be_found", "does not load: ModuleNotFoundError"),
        ("x = 1", "has no 'enclave'; give its module an attribute of that name"),
        ("enclave = 1", "has an 'enclave' that is no Enclave"),
        (
            SMALL,
            "memory_bytes_max is 1, and the enclave does not begin with less than",
        ),
    ],
    ids=["missing", "broken", "empty", "other", "small"],
)
def test_an_enclave_that_cannot_be_loaded_says_why(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    program = tmp_path / "odd_enclave.py"
    if text is not None:
        program.write_text(text)

    async def play() -> None:
        with pytest.raises(EnclaveNotStarted, match=reason):
            async with _started(program):
                raise AssertionError("it started")

    asyncio.run(play())


@pytest.mark.newest
def test_a_host_with_another_interface_has_no_enclave() -> None:
    other = Interface("other", trusted=Trusted, untrusted=Host)

    async def play() -> None:
        with pytest.raises(EnclaveNotStarted, match="build both from the same"):
            async with _started(ROUGH, other):
                raise AssertionError("it started")

    asyncio.run(play())


# A host that does not keep to the interface.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\xff\xff\xff\xff", "a frame of 4294967295 bytes"),
        ((INTERFACE.frame_bytes_max + 1).to_bytes(4, "little"), "more than the"),
        (b"\x02\0\0\0\x91\xc0", "a message that is not a list of its fields"),
        (b"\x04\0\0\0\x91\x92\x63\0", "unknown kind of message"),
    ],
)
def test_a_host_that_says_what_cannot_be_said_has_no_enclave_any_more(
    frame: bytes, reason: str
) -> None:
    async def play(rough: Rough) -> None:
        link = rough._link
        assert isinstance(link, EnclaveProcess)
        assert link._pipes is not None
        link._pipes.write(frame)
        with pytest.raises(EnclaveAborted, match=rf"BoundaryViolation \(.*{reason}"):
            await rough.trusted.answer()

    assert len(frame) >= HEADER_BYTES
    scene(play)


@pytest.mark.slow
def test_the_enclave_ends_with_its_channel() -> None:
    async def play(rough: Rough) -> None:
        link = rough._link
        assert isinstance(link, EnclaveProcess)
        link.stop()
        assert link.exit_code == 0

    scene(play)


def test_a_command_names_the_program_and_the_channel() -> None:
    words = enclave_process("an enclave.py", INTERFACE)._command(PipeEnds(7, 8))
    assert words[-5:] == ["--enclave", "an enclave.py", "--channel", "7", "8"]
