"""The build of C++ CCF that a person named, and its nodes among ccfpy's.

Two variables say where CCF is:

    CCF_BUILD   the folder in which ``js_generic`` and
                ``samples/apps/logging/logging`` were built
    CCF_SOURCE  the work tree that they were built from, if its constitution is to be
                used; ccfpy's own, otherwise
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import ccfpy
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement
from ccfpy.local.network import NODE_PROGRAM

BUILD, SOURCE = "CCF_BUILD", "CCF_SOURCE"
PROGRAMS = {"logging": "samples/apps/logging/logging", "js_generic": "js_generic"}
"""The program that is an app, in the build."""
_PARTS = "actions", "validate", "resolve", "apply"
_VIRTUAL = "virtual/virtual_attestation_actions.js"
"""The actions on virtual evidence, which CCF's default constitution does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build of C++ CCF.

    Attributes:
        folder: where its programs are.
        source: the work tree that it was built from, if it is named.
    """

    folder: Path
    source: Path | None = None

    @classmethod
    def find(cls) -> Self | None:
        """Return the build that the environment names, if it names any."""
        if not (folder := os.environ.get(BUILD)):
            return None
        source = os.environ.get(SOURCE)
        return cls(folder=Path(folder), source=Path(source) if source else None)

    @property
    def constitution(self) -> Sequence[Path]:
        """The scripts of the default constitution of the source, or else of ccfpy."""
        if self.source is None:
            return constitution("default")
        folder = self.source / "samples/constitutions"
        actions, *others = [folder / "default" / f"{part}.js" for part in _PARTS]
        return [actions, folder / _VIRTUAL, *others]

    def program(self, app: str) -> Path:
        """Return the program that is an app."""
        return (self.folder / PROGRAMS[app]).resolve()

    def digest(self, app: str) -> str:
        """Return the host data of virtual evidence of its nodes."""
        return hashlib.sha256(self.program(app).read_bytes()).hexdigest()

    def version(self) -> str:
        """Return what it calls itself, such as "7.0.0-dev5"."""
        said = subprocess.run(  # noqa: S603 - the build that the user named
            [self.program("js_generic"), "--version"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return said.split()[2].removeprefix("ccf-")

    def placement(self, app: str) -> Placement:
        """Return a place for one of its nodes."""
        starter = Path(__file__).with_name("cpp_node.py")
        program = [sys.executable, str(starter), str(self.program(app))]
        return Placement(program=program)


def own_digest() -> str:
    """Return the host data of virtual evidence of ccfpy's nodes."""
    program = Path(ccfpy.__file__).with_name("cli") / "main.py"
    return hashlib.sha256(program.read_bytes()).hexdigest()


def own_placement(*, has_pre_vote: bool = True) -> Placement:
    """Return a place for a node of ccfpy, which asks for pre-votes or does not."""
    options = () if has_pre_vote else ("--pre-vote", "off")
    return Placement(program=[*NODE_PROGRAM, *options])


def absent() -> str:
    """Return why nothing can be done without a build."""
    return f"{BUILD} names no build of C++ CCF, with which ccfpy's nodes would agree"
