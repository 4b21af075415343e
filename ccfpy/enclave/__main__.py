"""The enclave's process: ``python -m ccfpy.enclave --app APP --channel DESCRIPTOR``.

Only a host starts it. It writes to neither stdout nor stderr.
"""

import argparse
import gc
import os
import socket
import sys
from collections.abc import Sequence

from ccfpy.boundary.ending import ExitCode
from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.isolation import isolate
from ccfpy.enclave.loop import serve
from ccfpy.enclave.scripts import attend_scripts

GC_THRESHOLDS = (50_000, 20, 50)
"""Collections are rare: almost all that a request makes dies by reference count."""


def main(argv: Sequence[str]) -> ExitCode:
    """Run one enclave to its end."""
    parser = argparse.ArgumentParser(prog="ccfpy.enclave")
    parser.add_argument("--app", required=True)
    parser.add_argument("--channel", required=True, type=int)
    options = parser.parse_args(argv)
    isolate(parent=os.getppid())
    attend_scripts()
    with socket.socket(fileno=options.channel) as channel:
        return serve(
            channel, lambda: build_node(options.app), started=_settle_the_collector
        )


def _settle_the_collector() -> None:
    # What start-up made lives as long as the process: take it out of every collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
