"""The engine's code, compiled where this is first imported; one for a process.

Importing takes about a second of processor time. Whoever imports it in a thread of its
own spares the first script the wait, and one that comes too early waits for the rest.
"""

from typing import Final

from ccfpy.js.quickjs.native import Module

MODULE: Final = Module()
