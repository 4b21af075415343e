"""Makes the image twice and compares: ``make image-check``.

The base images are made twice from Debian's packages, and the image is built twice on
them. All bytes must be the same. The tests use the image afterwards.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.deploy.containers import (
    BASE,
    IMAGE,
    QUIET,
    build,
    copy_sources,
    make_base,
)
from tests.deploy.tools import ok, run

TOOLS = ("mmdebstrap", "buildah", "podman")


def digest(image: str) -> str:
    """Return the digest of an image."""
    words = ("podman", "image", "inspect", "--format", "{{.Digest}}", image)
    return ok(run(*words, extra=QUIET)).strip()


def main() -> int:
    """Make, compare, print; return the exit code."""
    absent = [it for it in TOOLS if shutil.which(it) is None]
    if absent:
        sys.stdout.write(f"not here: apt-get install {' '.join(absent)}\n")
        return 1
    again = f"{BASE}-again"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sources = copy_sources(folder)
        tag = f"{IMAGE}:{sources[:12]}"
        make_base(BASE)
        build(tag, folder, digest=sources)
        make_base(again)
        build(f"{tag}-again", folder, digest=sources, base=again)
    pairs = [
        (f"{BASE}:run", f"{again}:run"),
        (f"{BASE}:build", f"{again}:build"),
        (tag, f"{tag}-again"),
    ]
    outcome = 0
    for one, other in pairs:
        first, second = digest(one), digest(other)
        same = first == second
        sys.stdout.write(f"{one}: {first}{'' if same else f', then {second}'}\n")
        outcome |= not same
    sys.stdout.write("not the same bytes\n" if outcome else "twice the same bytes\n")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
