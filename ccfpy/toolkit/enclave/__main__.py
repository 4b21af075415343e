"""An enclave: ``python -m ccfpy.toolkit.enclave --enclave FILE --channel READ WRITE``.

Only a host starts it. It writes to neither stdout nor stderr.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.isolation import isolate
from ccfpy.toolkit.enclave.process import run


def main(argv: Sequence[str]) -> ExitCode:
    """Run one enclave to its end."""
    parser = argparse.ArgumentParser(prog="ccfpy.toolkit.enclave")
    parser.add_argument("--enclave", required=True)
    parser.add_argument("--channel", required=True, type=int, nargs=2)
    options = parser.parse_args(argv)
    isolate(parent=os.getppid())
    with HostChannel(*options.channel) as channel:
        return run(options.enclave, channel)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
