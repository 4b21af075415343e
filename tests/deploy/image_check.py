"""Makes the image twice and compares: ``make image-check [VARIANT=inference]``.

The base images are made twice from Debian's packages, and the image is built twice on
them. All bytes must be the same. The tests use the image afterwards.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.deploy.containers import (
    BASE,
    QUIET,
    VARIANTS,
    build,
    copy_sources,
    make_base,
    tag_of,
)
from tests.deploy.tools import ok, run

TOOLS = ("mmdebstrap", "buildah", "podman")


def digest(image: str) -> str:
    """Return the digest of an image."""
    words = ("podman", "image", "inspect", "--format", "{{.Digest}}", image)
    return ok(run(*words, extra=QUIET)).strip()


def main(words: Sequence[str]) -> int:
    """Make, compare, print; return the exit code."""
    variant = "".join(words)
    if variant not in VARIANTS:
        named = ", ".join(filter(None, VARIANTS))
        sys.stdout.write(f"there is no variant {variant!r}; there is {named}\n")
        return 1
    absent = [it for it in TOOLS if shutil.which(it) is None]
    if absent:
        sys.stdout.write(f"not here: apt-get install {' '.join(absent)}\n")
        return 1
    outcome = 0
    for one, other in _made_twice(variant):
        first, second = digest(one), digest(other)
        same = first == second
        sys.stdout.write(f"{one}: {first}{'' if same else f', then {second}'}\n")
        outcome |= not same
    sys.stdout.write("not the same bytes\n" if outcome else "twice the same bytes\n")
    return outcome


def _made_twice(variant: str) -> list[tuple[str, str]]:
    """Make the base images and an image on them twice; return the pairs."""
    again = f"{BASE}-again"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sources = copy_sources(folder)
        tag = tag_of(sources, variant)
        make_base(BASE, variant)
        build(tag, folder, digest=sources, variant=variant)
        make_base(again, variant)
        build(f"{tag}-again", folder, digest=sources, base=again, variant=variant)
    run = f"run-{variant}" if variant else "run"
    return [
        (f"{BASE}:{run}", f"{again}:{run}"),
        (f"{BASE}:build", f"{again}:build"),
        (tag, f"{tag}-again"),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
