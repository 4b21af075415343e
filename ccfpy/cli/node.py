"""``ccfpy node``: CCF's command line for a node, and which application it serves."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ccfpy.cli.output import print_lines
from ccfpy.cli.standin import run_node

PROGRAM = Path(__file__).with_name("main.py")
"""The file that is measured, however the command was started: the script that an
installation makes names a folder of that machine, and no other node could then join."""
_HELP = """Application:
  --app APP             a sample's name, or the path of a Python file or package
                        (default: logging)
"""


def node(argv: Sequence[str]) -> int:
    """Run a node until it ends; return its exit code."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--app", default="logging")
    if {"-h", "--help"} & set(argv):
        print_lines(_HELP)
    try:
        options, rest = parser.parse_known_args(argv)
    except SystemExit:
        return 2  # argparse has said what is wrong
    return run_node(options.app, rest, program=PROGRAM)
