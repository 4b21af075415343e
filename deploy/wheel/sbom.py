"""Writes what an installation of ccfpy consists of, in CycloneDX's format.

    python sbom.py ENVIRONMENT FILE

CycloneDX's own tool lists the packages of the environment, with their licences. It
cannot see what is compiled into ``engine.wasm``: the wheel itself says that, in its
``.dist-info/sboms`` (PEP 770), and it is added here. The same environment and the same
``SOURCE_DATE_EPOCH`` make the same bytes.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def listed(environment: Path) -> dict[str, Any]:
    """Return the bill of materials of an environment's packages."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    options = ("environment", "--output-reproducible", "--output-format", "JSON")
    made = subprocess.run(  # noqa: S603  # our own tool
        [tool, *options, environment], check=True, capture_output=True
    )
    bill: dict[str, Any] = json.loads(made.stdout)
    return bill


def inside(environment: Path) -> dict[str, Any]:
    """Return the bill of materials that ccfpy's own wheel brought along."""
    (found,) = environment.glob("lib/*/site-packages/ccfpy-*.dist-info/sboms/*.json")
    bill: dict[str, Any] = json.loads(found.read_text())
    return bill


def main(environment: Path, output: Path) -> None:
    """Write the bill of materials of what is installed in an environment."""
    bill, engine = listed(environment), inside(environment)
    bill["components"] += engine["components"]
    bill["dependencies"] += engine["dependencies"]
    (ours,) = (each for each in bill["components"] if each["name"] == "ccfpy")
    for each in bill["dependencies"]:
        if each["ref"] == ours["bom-ref"]:
            each.setdefault("dependsOn", []).append(engine["components"][0]["bom-ref"])
    output.write_text(json.dumps(bill, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
