"""Signed enclaves in processes of their own, on machines that are simulated."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccfpy.attestation.manifest import Manifest
from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import VerifiedQuote
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.enclave.measuring import measure
from ccfpy.enclave.platforms.choice import OVERRIDE
from ccfpy.enclave.platforms.simulated import PLACE
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.toolkit.enclave import read_identity
from ccfpy.toolkit.host import EnclaveNotStarted, HostedEnclave, hosted
from ccfpy.toolkit.interfaces import Refusal
from tests.unit.toolkit.enclave.vault import INTERFACE, Host, Trusted
from tests.unit.toolkit.enclave.vault_enclave import DATA, enclave

ENTROPY = SeededEntropy(5)
SIGNER = KeyPair.generate(ENTROPY, Curve.SECP384R1)
STRANGER = KeyPair.generate(ENTROPY, Curve.SECP384R1)
HERE = Path(__file__).parent
Vault = HostedEnclave[Trusted, Host]


@dataclass
class Bench:
    """A folder with copies of the enclave, signed in different ways, and machines."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def copy(self) -> Path:
        code = self.folder / "vault_enclave.py"
        code.write_text((HERE / "vault_enclave.py").read_text())
        return code

    def signed(
        self,
        name: str = "vault",
        *,
        key: KeyPair = SIGNER,
        security_version: int = 1,
        debug: bool = False,
        interface: bytes | None = None,
    ) -> Path:
        code = self.copy()
        bundle = measure(
            code, interface=interface or bytes.fromhex(enclave.definition_digest)
        )
        manifest = Manifest.sign(
            bundle,
            key,
            name=code.name,
            product_id=1,
            security_version=security_version,
            debug=debug,
        )
        place = self.folder / f"{name}.enclave"
        place.write_bytes(manifest.raw)
        return place

    def machine(self, name: str) -> None:
        place = self.folder / f"{name}.machine"
        if not place.exists():
            now = int(time.time())
            vendor = SimulatedVendor.make(ENTROPY, unix_time_s=now)
            made = vendor.make_machine(ENTROPY, unix_time_s=now)
            place.write_bytes(made.serialise())
        self.monkeypatch.setenv(PLACE, str(place))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, monkeypatch)
    monkeypatch.setenv(OVERRIDE, "Simulated")
    made.machine("usual")
    return made


@contextlib.asynccontextmanager
async def running(place: Path) -> AsyncIterator[Trusted]:
    async with hosted(place, INTERFACE, object()) as vault:
        yield vault.trusted


@pytest.mark.slow
def test_its_evidence_is_of_what_was_signed(bench: Bench) -> None:
    place = bench.signed()

    async def play() -> None:
        async with running(place) as vault:
            quote, endorsements = await vault.attest(b"nonce")
            verified = VerifiedQuote.verify(
                quote, endorsements, unix_time_s=int(time.time())
            )
            identity = Manifest.read(place.read_bytes()).identity
            assert verified.report.identity == identity
            assert verified.report.report_data == app_report_data(DATA + b"nonce")
            assert read_identity(await vault.identity()) == identity

    asyncio.run(play())


@pytest.mark.slow
def test_the_next_run_opens_what_this_one_sealed(bench: Bench) -> None:
    place = bench.signed()

    async def play() -> None:
        async with running(place) as vault:
            sealed = await vault.keep("swordfish")
        async with running(place) as vault:
            assert await vault.tell(sealed) == "swordfish"

    asyncio.run(play())


@pytest.mark.slow
@pytest.mark.parametrize("who", ["another signer", "another machine", "an older one"])
def test_others_do_not_open_what_it_sealed(bench: Bench, who: str) -> None:
    place = bench.signed(security_version=2)

    async def play() -> None:
        async with running(place) as vault:
            sealed = await vault.keep("swordfish")
        other = place
        match who:
            case "another signer":
                other = bench.signed("other", key=STRANGER, security_version=2)
            case "an older one":
                other = bench.signed("other", security_version=1)
            case _:
                bench.machine("second")
        async with running(other) as vault:
            with pytest.raises(Refusal, match="foreign"):
                await vault.tell(sealed)

    asyncio.run(play())


@pytest.mark.slow
def test_two_enclaves_of_one_machine_know_each_other(bench: Bench) -> None:
    places = bench.signed(), bench.signed("other", key=STRANGER)

    async def play() -> None:
        async with running(places[0]) as one, running(places[1]) as other:
            report = await one.report(await other.identity())
            known = await other.read(report)
            assert read_identity(known) == read_identity(await one.identity())
            with pytest.raises(Refusal, match="foreign"):
                await one.read(report)
        bench.machine("second")
        async with running(places[1]) as elsewhere:
            with pytest.raises(Refusal, match="foreign"):
                await elsewhere.read(report)

    asyncio.run(play())


@pytest.mark.slow
def test_a_debug_enclave_is_known_as_one_and_heard_by_no_other(bench: Bench) -> None:
    places = bench.signed(), bench.signed("debugged", debug=True)

    async def play() -> None:
        async with running(places[0]) as one, running(places[1]) as debugged:
            assert read_identity(await debugged.identity()).debug
            report = await debugged.report(await one.identity())
            with pytest.raises(Refusal, match="foreign"):
                await one.read(report)

    asyncio.run(play())


# What does not start.


def _refused(place: Path, reason: str) -> None:
    async def play() -> None:
        with pytest.raises(EnclaveNotStarted, match=reason):
            async with running(place):
                raise AssertionError("it started")

    asyncio.run(play())


@pytest.mark.slow
def test_code_that_was_changed_after_signing_is_never_run(bench: Bench) -> None:
    place = bench.signed()
    code = bench.folder / "vault_enclave.py"
    ran = bench.folder / "ran"
    changed = f"open({str(ran)!r}, 'w').close()\n{code.read_text()}"
    code.write_text(changed)
    _refused(place, "not what was signed: .*application")
    assert not ran.exists()


@pytest.mark.slow
def test_another_interface_or_limits_than_were_signed_are_refused(
    bench: Bench,
) -> None:
    place = bench.signed(interface=b"\x01" * 32)
    _refused(place, "another interface or other limits than were signed")


@pytest.mark.slow
def test_an_enclave_that_needs_a_platform_does_not_start_without(
    bench: Bench,
) -> None:
    _refused(bench.copy(), "needs a platform: sign it with ccfpy enclave sign")
    place = bench.signed()
    bench.monkeypatch.setenv(PLACE, str(bench.folder / "none.machine"))
    _refused(place, "cannot use the simulated platform")
    bench.monkeypatch.delenv(OVERRIDE)
    _refused(place, "set CCF_PLATFORM_OVERRIDE to Simulated")


@pytest.mark.newest
def test_a_manifest_without_its_code_is_refused(bench: Bench) -> None:
    place = bench.signed()
    (bench.folder / "vault_enclave.py").unlink()
    _refused(place, "'vault_enclave.py' is not beside vault.enclave; put it there")
