"""Writes what an installation of ccfpy consists of, in CycloneDX's format.

    python sbom.py ENVIRONMENT FILE

CycloneDX's own tool lists the packages of the environment, with their licences. It
cannot see what is compiled into ``engine.wasm``; that is added here. The same
environment and the same ``SOURCE_DATE_EPOCH`` make the same bytes.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ENGINE = "ccfpy/js/quickjs/engine.wasm"
VERSION = "from ccfpy.js.quickjs import VERSION; print(VERSION)"
SUPPLIER = {"name": "Fabrice Bellard", "url": ["https://bellard.org/quickjs/"]}


def listed(environment: Path) -> dict[str, Any]:
    """Return the bill of materials of an environment's packages."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    options = ("environment", "--output-reproducible", "--output-format", "JSON")
    made = subprocess.run(  # noqa: S603  # our own tool
        [tool, *options, environment], check=True, capture_output=True
    )
    bill: dict[str, Any] = json.loads(made.stdout)
    return bill


def in_the_engine(environment: Path) -> list[dict[str, Any]]:
    """Return what the engine of JavaScript was compiled from, and the engine itself."""
    (engine,) = environment.glob(f"lib/*/site-packages/{ENGINE}")
    python = environment / "bin/python"
    version = subprocess.run(  # noqa: S603  # the environment's own
        [python, "-c", VERSION], check=True, capture_output=True, text=True
    ).stdout.strip()
    digest = hashlib.sha256(engine.read_bytes()).hexdigest()
    return [
        {
            "type": "library",
            "bom-ref": "quickjs",
            "name": "quickjs",
            "version": version,
            "supplier": SUPPLIER,
            "licenses": [{"license": {"id": "MIT"}}],
            "description": "compiled to WebAssembly, inside engine.wasm",
        },
        {
            "type": "library",
            "bom-ref": "wasi-libc",
            "name": "wasi-libc",
            "licenses": [{"expression": "Apache-2.0 WITH LLVM-exception OR MIT"}],
            "description": "inside engine.wasm, brought by its compiler, zig",
        },
        {
            "type": "file",
            "bom-ref": "engine.wasm",
            "name": ENGINE,
            "hashes": [{"alg": "SHA-256", "content": digest}],
        },
    ]


def main(environment: Path, output: Path) -> None:
    """Write the bill of materials of what is installed in an environment."""
    bill = listed(environment)
    bill["components"] += in_the_engine(environment)
    inside = ["quickjs", "wasi-libc"]
    bill["dependencies"] += [
        {"ref": "engine.wasm", "dependsOn": inside},
        *({"ref": name} for name in inside),
    ]
    (ours,) = (each for each in bill["components"] if each["name"] == "ccfpy")
    for each in bill["dependencies"]:
        if each["ref"] == ours["bom-ref"]:
            each.setdefault("dependsOn", []).append("engine.wasm")
    output.write_text(json.dumps(bill, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
