"""The JavaScript that every interpreter runs first, while nobody has touched it.

It keeps the builtins that it needs, so a script that replaces ``JSON.stringify`` or
``Promise.prototype.then`` harms only itself. It gets the engine's natives: ``python``
calls a Python function by its number, ``evaluate`` runs a script of ours, ``utf8Of``
and ``textOf`` turn text into bytes and back, ``isBuffer`` tells an ArrayBuffer. The
other natives make functions that most requests call; they are C, which is quicker. A
Python function that wants to throw answers ``null`` and keeps class and message.
Function 0 returns these two, and function 1 takes what the script itself threw.
"""

from typing import Final

from ccfpy.js.extension import own_source

NAME = "<ccf>"
"""The file name of all of the node's own JavaScript in a trace."""

SOURCE: Final = own_source(__name__)
