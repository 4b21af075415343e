"""A project that is built into modules: what its ``package.json`` says, and running it.

A script runs as npm would run it, in the project's folder and with its tools on the
path, but without npm itself, which takes longer to start than most builds take.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, loads_object
from ccfpy.client.bundle import PROJECT

BUILD = "build"
REBUILD = "dev"
"""The script for each rebuild of ``ccfpy app dev``, where ``build`` does more."""
INSTALLED = "node_modules"
BUILD_TIMEOUT_S = 300.0
SAID_CHARACTERS_MAX = 4000


class BuildFailed(CcfpyError):
    """A project's build did not end well; the text has what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder whose modules may have to be built.

    Attributes:
        scripts: by name.
        needs_packages: whether npm has packages to install before.
    """

    folder: Path
    scripts: dict[str, str]
    needs_packages: bool

    @classmethod
    def of(cls, folder: Path) -> "Project":
        """Read a folder; one without ``package.json`` needs no build.

        Raises:
            BuildFailed: its ``package.json`` cannot be read.
        """
        path = folder / PROJECT
        if not path.is_file():
            return cls(folder=folder, scripts={}, needs_packages=False)
        try:
            fields = loads_object(path.read_bytes())
        except Malformed as error:
            raise BuildFailed(f"{path} describes no project: {error}") from error
        packages = [_object(fields.get(k)) for k in ("dependencies", "devDependencies")]
        scripts = _object(fields.get("scripts"))
        return cls(
            folder=folder,
            scripts={k: v for k, v in scripts.items() if isinstance(v, str)},
            needs_packages=any(packages),
        )

    def script(self, *names: str) -> str | None:
        """Return the first of these scripts that exists."""
        return next(
            (self.scripts[name] for name in names if name in self.scripts), None
        )

    async def build(self, *names: str) -> bool:
        """Run the first of these scripts that there is, ``build`` if none is named.

        Returns:
            Whether there was one.

        Raises:
            BuildFailed: packages are missing, or it did not end well.
        """
        command = self.script(*(names or (BUILD,)))
        if command is None:
            return False
        if self.needs_packages and not (self.folder / INSTALLED).is_dir():
            raise BuildFailed(
                f"the packages that {self.folder / PROJECT} names are not there: run "
                f"npm ci in {self.folder} (npm install where there is no lock file)"
            )
        process = await asyncio.create_subprocess_shell(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), BUILD_TIMEOUT_S)
        except TimeoutError as error:
            raise BuildFailed(
                f"the build takes longer than {BUILD_TIMEOUT_S:g} s: {command}"
            ) from error
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            text = said.decode(errors="replace").strip()[-SAID_CHARACTERS_MAX:]
            raise BuildFailed(f"the build failed: {command}\n{text}")
        return True

    def _environment(self) -> dict[str, str]:
        tools = self.folder.resolve() / INSTALLED / ".bin"
        path = os.environ.get("PATH", os.defpath)
        return {**os.environ, "PATH": f"{tools}{os.pathsep}{path}"}


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
