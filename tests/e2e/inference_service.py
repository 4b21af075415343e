"""Real nodes that run models, and the questions of tests to these nodes."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from apps.inference.client import registration, upload
from ccfpy.client.keys import FileSigner
from ccfpy.client.share import constitution
from ccfpy.local.configuration import ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from tests.e2e.running import despite_elections
from tests.house.tree import ROOT

OWN_ACTIONS = ROOT / "apps" / "inference" / "constitution" / "actions.js"
OWNER = "user0"
NAME = "scale"
X = {"x": np.array([[1, 2, 3]], np.float32)}


def scaling(factor: float) -> bytes:
    """Make a model that multiplies by a factor."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        "scaling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def scripts(base: str = "default") -> list[Path]:
    """Return the scripts of a constitution with this application's actions."""
    actions, *others = constitution(base)
    return [actions, OWN_ACTIONS, *others]


@contextmanager
def processes(
    workspace: Path, *, app: str = "inference", base: str = "default"
) -> Iterator[ProcessNetwork]:
    """Make a network without nodes, and end all nodes that it gets."""
    options = ServiceOptions(
        workspace=workspace,
        app=app,
        program=NODE_PROGRAM,
        users=(OWNER,),
        constitution=scripts(base),
        election_timeout_ms=4000,
    )
    network = ProcessNetwork(options)
    try:
        yield network
    finally:
        network.stop()


async def install(
    network: ProcessNetwork, content: bytes, version: int = 1, name: str = NAME
) -> None:
    """Vote for a model as the members, and bring the model."""
    signer = FileSigner.load(network.options.keys(OWNER))
    action = registration(
        content, name=name, version=version, uploader=signer.certificate.digest_hex
    )
    await network.govern([action])

    async def bring() -> None:
        primary = await network.primary()
        async with network.connect(primary, OWNER) as owner:
            await upload(owner, name, version, content)

    await despite_elections(bring)


@dataclass(frozen=True, slots=True)
class Typed:
    """The output of a command."""

    code: int
    out: str
    err: str


async def type_in(folder: Path, *words: str) -> Typed:
    """Run a command in a folder."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return Typed(done.returncode, done.stdout, done.stderr)


def copy_of_what_runs(folder: Path) -> Path:
    """Copy ccfpy and the apps: measured files must not be edited meanwhile."""
    leave = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    for name in ("ccfpy", "apps", "governance"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    return folder
