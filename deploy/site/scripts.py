"""Fetches the scripts of the site from npm, each by the digest of its package."""

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script, by where it is in which package.

    Attributes:
        package: the package of npm, with its version.
        file: the script's place in the package.
        sha512: the digest of the package, as npm's own lock files have it.
    """

    package: str
    file: str
    sha512: str


SCRIPTS: Final = {
    # Draws diagrams.
    "mermaid.min.js": Script(
        package="mermaid@12.3.0",
        file="package/dist/mermaid.min.js",
        sha512="4113TdXeLAsMruJ79OpFL5O8+LTFXhQqZ260rF3tgUmi"
        "NAtRm4Uume04I+65PRN6yZ69J4f8rVYWW8zRk65UYw==",
    ),
    # Searches pages that are opened as files.
    "iframe-worker.js": Script(
        package="iframe-worker@1.0.4",
        file="package/shim/index.js",
        sha512="roeaaI+Lg1LJNfgpCjoRe/+WzEjy9+Z08LoEvu85MCPb"
        "Bjwm+qXz8Ag5U05lHa6V1CysZyGzE0SOkAtSUA5q7Q==",
    ),
}
"""The scripts by their names on the site."""


def fetch(script: Script, kept_in: Path) -> bytes:
    """Return a script; its package is fetched unless an earlier build kept it.

    Args:
        script: one of `SCRIPTS`.
        kept_in: the folder for packages.

    Raises:
        SystemExit: the package has another digest.
    """
    kept = kept_in / f"{script.package.replace('@', '-')}.tgz"
    if not kept.is_file():
        command = ["npm", "pack", "--silent", script.package]
        subprocess.run(command, cwd=kept_in, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    packed = kept.read_bytes()
    digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if digest != script.sha512:
        kept.unlink()
        sys.exit(f"npm's package {script.package} has another digest: {digest}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile(script.file)
        assert file is not None
        return file.read()
