"""Real nodes run models: any node answers, and a swap costs no client an answer.

On simulated machines, a client distinguishes a signed enclave from every other before
the client seals a byte.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from apps.inference.client import InferenceClient, Scores
from ccfpy.base.json import JsonObject
from ccfpy.client.attested import Expected
from ccfpy.local.configuration import Placement
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.e2e.inference_service import (
    NAME,
    OWNER,
    Typed,
    X,
    copy_of_what_runs,
    install,
    processes,
    scaling,
    type_in,
)
from tests.e2e.running import despite_elections

VIRTUAL = Expected(allows_virtual=True)
ASKED_BEFORE = 20
ASKED_AFTER = 20


class Asking:
    """A client that asks one node again and again, and counts the answers."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.is_enough = False
        self._changed = asyncio.Condition()

    async def ask(self, network: ProcessNetwork, node: NodeProcess) -> None:
        """Ask until it is enough; a failure ends the test."""
        async with network.connect(node, OWNER, timeout_s=30) as service:
            client = InferenceClient(service, NAME, VIRTUAL)
            while not self.is_enough:
                version = _checked(await client.score(X))
                async with self._changed:
                    self.answers[version] += 1
                    self._changed.notify_all()

    async def wait(self, version: int, count: int) -> None:
        """Wait until a version of the model has given this many more answers."""
        async with self._changed:
            wanted = self.answers[version] + count
            await self._changed.wait_for(lambda: self.answers[version] >= wanted)


def _checked(scores: Scores) -> int:
    """Check that the answer comes from the model that the client names."""
    version = scores.model_version
    expected = X["x"] * np.float32(version)
    np.testing.assert_array_equal(scores.outputs["y"], expected)
    return version


async def _swap_under_load(network: ProcessNetwork) -> list[Counter[int]]:
    await network.begin([Placement(), Placement(), Placement()])
    await network.open()
    await install(network, scaling(1.0), version=1)
    everybody = [Asking() for _ in network.nodes]
    async with asyncio.timeout(240), asyncio.TaskGroup() as group:
        for asking, node in zip(everybody, network.nodes, strict=True):
            group.create_task(asking.ask(network, node))
        await _all_wait(everybody, 1, ASKED_BEFORE)
        await install(network, scaling(2.0), version=2)
        await _all_wait(everybody, 1, 1)
        retire: JsonObject = {"name": NAME, "version": 1}
        await network.govern([{"name": "retire_inference_model", "args": retire}])
        await _roll(network)
        await _all_wait(everybody, 2, ASKED_AFTER)
        await _roll(network)
        await _roll(network)
        await _all_wait(everybody, 2, ASKED_AFTER)
        for asking in everybody:
            asking.is_enough = True
    return [asking.answers for asking in everybody]


async def _all_wait(everybody: list[Asking], version: int, count: int) -> None:
    await asyncio.gather(*(asking.wait(version, count) for asking in everybody))


async def _roll(network: ProcessNetwork) -> None:
    async def roll() -> None:
        primary = await network.primary()
        async with network.connect(primary, "member0") as member:
            rolled = await member.post("/app/channel/roll", {})
            assert rolled.txid is not None
            await member.wait_committed(rolled.txid)

    await despite_elections(roll)


def test_models_and_keys_are_replaced_under_load_without_a_failed_request(
    tmp_path: Path,
) -> None:
    with processes(tmp_path) as network:
        counted = asyncio.run(_swap_under_load(network))
    assert len(counted) == 3
    for answers in counted:
        assert answers[1] > ASKED_BEFORE
        assert answers[2] >= 2 * ASKED_AFTER
        assert set(answers) == {1, 2}


# Simulated machines


class World:
    """A vendor with a machine, two developers, and the enclaves that they signed."""

    def __init__(self, folder: Path, framework: Path) -> None:
        self.folder = folder
        self.framework = framework

    async def make(self) -> None:
        """Make the machine, and have the application signed in three ways."""
        await self.ok(
            *("enclave", "platform", "new"),
            *("--vendor", "vendor.json", "--machine", "machine.json"),
        )
        for name in ("developer", "other"):
            await self.ok("keygen", "--name", name)
        for name, key, *more in (
            ("signed", "developer"),
            ("debug", "developer", "--debug"),
            ("foreign", "other"),
        ):
            await self.ok(
                *("enclave", "sign", "inference", "--key", f"{key}_privk.pem"),
                *("--package", "numpy", "--package", "onnxruntime"),
                *("--out", f"{name}.enclave", *more),
            )

    async def ok(self, *words: str) -> str:
        """Run a command of ccfpy's that must work."""
        done = await type_in(self.folder, "ccfpy.cli.main", *words)
        assert done.code == 0, done.err
        return done.out

    async def told(self, *words: str) -> JsonObject:
        """Run a command that answers in JSON."""
        read: JsonObject = json.loads(await self.ok(*words, "--json"))
        return read

    @property
    def placement(self) -> Placement:
        """The folder in which nodes run."""
        machine = self.folder / "machine.json"
        return Placement(prefix=("env", f"CCFPY_SIMULATED_PLATFORM={machine}"))


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run on a copy of ccfpy."""
    copy = copy_of_what_runs(tmp_path_factory.mktemp("framework"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(copy))
        yield copy


@pytest.fixture(scope="module")
def world(framework: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the vendor, the machine and the developers, ready for use."""
    made = World(tmp_path_factory.mktemp("world"), framework)
    asyncio.run(made.make())
    return made


async def _ask_signed(network: ProcessNetwork, world: World) -> dict[str, Typed]:
    """Ask a service by the command, with one thing wrong at a time."""
    await network.begin([world.placement])
    await network.open()
    await install(network, scaling(2.0))
    signed = await world.told("enclave", "inspect", "signed.enclave")
    other = await world.told("enclave", "inspect", "foreign.enclave")
    machine = await world.told(
        "enclave", "platform", "show", "--machine", "machine.json"
    )
    inputs = world.folder / "inputs.json"
    inputs.write_text('{"x": {"type": "float32", "data": [[1, 2, 3]]}}')
    signer, vendor = str(signed["signer_id"]), str(machine["vendor_id"])
    answers = {}
    for name, words in {
        "as expected": ("--signer", signer, "--vendor", vendor),
        "debug allowed": ("--signer", signer, "--vendor", vendor, "--allow-debug"),
        "another signer": ("--signer", str(other["signer_id"]), "--vendor", vendor),
        "another vendor": ("--signer", signer, "--vendor", "00" * 32),
        "nobody is trusted": (),
        "a later version": (
            *("--signer", signer, "--vendor", vendor),
            *("--security-version", "2"),
        ),
        "a claim alone": ("--allow-virtual",),
        **await _by_policies(network, world),
    }.items():
        answers[name] = await type_in(
            world.framework,
            *("apps.inference", "score", str(inputs), "--name", NAME),
            *("--url", network.nodes[0].url),
            *("--common", str(network.options.shared), *words),
        )
    return answers


async def _by_policies(
    network: ProcessNetwork, world: World
) -> dict[str, tuple[str, str]]:
    """Write policies for the running node, with one thing wrong at a time."""
    certificate = network.options.shared / "service_cert.pem"
    policy = json.loads(
        await world.ok(
            *("attest", "policy", network.nodes[0].url, "--cacert", str(certificate))
        )
    )
    words = {}
    for name, changed in {
        "as its policy says": {},
        "another measurement": {"measurements": ["00" * 32]},
        "other host data": {"host_data": ["00" * 32]},
        "later firmware": {"minimum_tcb": "02" + "01" * 7},
    }.items():
        path = world.folder / f"{name}.json"
        path.write_text(json.dumps({"simulated": policy["simulated"] | changed}))
        words[name] = ("--policy", str(path))
    return words


REFUSALS = {
    "another signer": "nobody who is trusted signed the enclave: ",
    "another vendor": "no vendor that is known vouches for the machine: ",
    "nobody is trusted": "nothing says what the enclave's evidence must be; name ",
    "a later version": "the enclave's security version is too old: expected 2 or ",
    "a claim alone": "the evidence is of a platform that is not taken: expected "
    "Insecure_Virtual, found 'Insecure_Simulated'",
    "another measurement": "the enclave's code is none that is expected: expected ",
    "other host data": "the host data is none that is expected: expected ",
    "later firmware": "the machine's firmware is too old: expected part 0 at 2 or ",
}


def _answers(world: World, app: str, folder: Path) -> dict[str, Typed]:
    with (
        pytest.MonkeyPatch.context() as patch,
        processes(folder, app=str(world.folder / app), base="simulated") as network,
    ):
        patch.setenv("CCF_PLATFORM_OVERRIDE", "Simulated")
        return asyncio.run(_ask_signed(network, world))


def _check_scores(answer: Typed) -> None:
    assert answer.code == 0, answer.err
    outputs = json.loads(answer.out)["outputs"]
    assert outputs == {"y": {"type": "float32", "data": [[2.0, 4.0, 6.0]]}}


def test_a_signed_enclave_is_told_from_every_other(
    world: World, tmp_path: Path
) -> None:
    answers = _answers(world, "signed.enclave", tmp_path)
    _check_scores(answers["as expected"])
    _check_scores(answers["as its policy says"])
    for name, refusal in REFUSALS.items():
        refused = answers[name]
        assert (refused.code, refused.out) == (1, ""), name
        assert refused.err.startswith(refusal), name


def test_a_debug_enclave_is_asked_nothing_unless_one_says_so(
    world: World, tmp_path: Path
) -> None:
    answers = _answers(world, "debug.enclave", tmp_path)
    refused = answers["as expected"]
    assert (refused.code, refused.err) == (1, "the enclave can be debugged\n")
    _check_scores(answers["debug allowed"])
