"""Run a program of C++ CCF as if it took ``--app``, as ``ccfpy node`` does.

``python cpp_node.py PROGRAM --app APP …`` becomes ``PROGRAM …``: CCF has a program for
each app. The process stays the same, so what started this program can stop the node.
"""

import os
import sys


def command(arguments: list[str]) -> list[str]:
    """Return the command to run in place of this program."""
    place = arguments.index("--app")
    return arguments[:place] + arguments[place + 2 :]


if __name__ == "__main__":
    started = command(sys.argv[1:])
    os.execv(started[0], started)  # noqa: S606 - the build that the user named
