"""A node's program around the stand-in enclave, for tests of signals and of death."""

import sys
from pathlib import Path

from ccfpy.host.enclave_link import ProcessLink
from ccfpy.host.main import run

ECHO = Path(__file__).with_name("echo_enclave.py")


def _link(app: str) -> ProcessLink:
    return ProcessLink(
        app,
        command=lambda name, ends: [sys.executable, str(ECHO), name, *map(str, ends)],
    )


if __name__ == "__main__":
    sys.exit(run("app", [*sys.argv[1:], "--enclave", "in-process"], in_process=_link))
