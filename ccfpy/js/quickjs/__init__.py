"""QuickJS in WebAssembly behind ``ccfpy.js.engine``; see README.md."""

from ccfpy.js.quickjs.engine import VERSION, QuickJs, compile_module
from ccfpy.js.quickjs.guest import TIMED_OUT

__all__ = ["TIMED_OUT", "VERSION", "QuickJs", "compile_module"]
