"""Makes ``engine.wasm`` from its sources (``make engine``), or compares the two.

``make engine-check`` compares. The program needs only an environment with the compiler
of ``engine.lock``, a C compiler that pip installs. QuickJS comes in the source archive
of a package on PyPI, by its hash. The same sources yield the same bytes on every
machine.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "ccfpy/js/quickjs"
SOURCES = ROOT / "tests/house/quickjs.lock"
QUICKJS = ("libregexp.c", "libunicode.c", "cutils.c", "dtoa.c")
STACK_BYTES = 8 << 20


def fetch(folder: Path) -> Path:
    """Download QuickJS and check its hash; return the folder of its sources."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    only = ["--no-binary", "quickjs-bindings", "--require-hashes"]
    subprocess.run([*pip, *only, "-r", SOURCES, "-d", folder], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(folder.glob("*/vendor/quickjs"))


def compile_engine(quickjs: Path, output: Path) -> None:
    """Compile and link. Only relative names get into the module."""
    version = (quickjs / "VERSION").read_text().strip()
    for source in (*ENGINE.glob("*.c"), *ENGINE.glob("*.h")):
        (quickjs / source.name).write_bytes(source.read_bytes())
    (quickjs / "absent").mkdir()
    # One source includes this header and uses nothing of it; this C library has none.
    (quickjs / "absent/setjmp.h").touch()
    subprocess.run(
        [
            *(sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi"),
            *("-mexec-model=reactor", "-std=gnu11", "-O2", "-w"),
            *("-D_GNU_SOURCE", f'-DCONFIG_VERSION="{version}"', "-Iabsent", "-I."),
            # Our own allocator counts memory; this C library cannot.
            "-Dmalloc_usable_size(block)=0",
            *("engine.c", *QUICKJS),
            *("-Wl,--strip-all", f"-Wl,-z,stack-size={STACK_BYTES}"),
            "-Wl,--export=__stack_pointer",
            *("-o", output.resolve()),
        ],
        cwd=quickjs,
        check=True,
    )


def main(command: str) -> None:
    """Write the module, or compare it with the existing one."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = folder / "engine.wasm"
        compile_engine(fetch(folder), made)
        kept = ENGINE / "engine.wasm"
        if command == "write":
            kept.write_bytes(made.read_bytes())
        elif made.read_bytes() != kept.read_bytes():
            raise SystemExit(
                f"{kept.relative_to(ROOT)} is not what its sources make: make engine"
            )
    print("engine.wasm is what its sources make")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    main(sys.argv[1])
