"""The bench: enclaves of the toolkit within a test, as in processes of their own."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.attestation.simulated import VerifiedQuote
from ccfpy.testing.enclaves import ISOLATION, MADE_AT_S, Bench
from ccfpy.toolkit.enclave import read_identity
from ccfpy.toolkit.host import EnclaveAborted
from ccfpy.toolkit.interfaces import Refusal, UntrustedTime
from tests.unit.toolkit.enclave.driven import enclave as driven
from tests.unit.toolkit.enclave.vault_enclave import enclave as vault


class Services:
    """A host that keeps notes."""

    def __init__(self) -> None:
        self.notes: list[bytes] = []

    async def store(self, note: bytes) -> int:
        self.notes.append(note)
        return len(self.notes)

    async def now(self) -> UntrustedTime:
        return UntrustedTime(claimed_unix_us=0)


def test_an_enclave_runs_within_the_test_and_says_so() -> None:
    async def play() -> None:
        services = Services()
        async with Bench().running(driven(), services) as running:
            assert await running.trusted.keep(b"note") == 1
            assert services.notes == [b"note"]
            assert running.isolation == ISOLATION

    asyncio.run(play())


def test_an_enclave_that_aborts_does_so_for_the_test_as_for_a_host() -> None:
    async def play() -> None:
        async with Bench().running(driven(), Services()) as running:
            with pytest.raises(EnclaveAborted):
                await running.trusted.misbehave("defect")
            with pytest.raises(EnclaveAborted):
                await running.trusted.plain(1)

    asyncio.run(play())


def test_every_byte_follows_from_the_seed() -> None:
    async def sealed(seed: int) -> bytes:
        async with Bench(seed=seed).running(vault, object()) as running:
            return await running.trusted.keep("swordfish")

    first, again, other = (asyncio.run(sealed(seed)) for seed in (1, 1, 2))
    assert first == again != other


CHANGES: dict[str, tuple[Callable[[Bench], object], bool]] = {
    "nothing": (lambda _: None, True),
    "other code": (lambda bench: bench.become(code=b"other"), True),
    "another signer": (lambda bench: bench.become(signer=b"other"), False),
    "another machine": (
        lambda bench: setattr(bench, "machine", Bench(seed=9).machine),
        False,
    ),
    "an older version": (
        lambda bench: setattr(
            bench, "identity", replace(bench.identity, security_version=0)
        ),
        False,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_test_says_who_runs_where(change: str) -> None:
    make, opens = CHANGES[change]

    async def play() -> None:
        bench = Bench()
        async with bench.running(vault, object()) as running:
            sealed = await running.trusted.keep("swordfish")
        make(bench)
        async with bench.running(vault, object()) as running:
            own = read_identity(await running.trusted.identity())
            assert own == bench.identity
            if opens:
                assert await running.trusted.tell(sealed) == "swordfish"
            else:
                with pytest.raises(Refusal, match="foreign"):
                    await running.trusted.tell(sealed)

    asyncio.run(play())


def test_evidence_verifies_at_the_time_of_the_bench() -> None:
    async def play() -> None:
        bench = Bench()
        async with bench.running(vault, object()) as running:
            quote, endorsements = await running.trusted.attest(b"nonce")
        verified = VerifiedQuote.verify(quote, endorsements, unix_time_s=MADE_AT_S)
        assert verified.report.identity == bench.identity

    asyncio.run(play())
