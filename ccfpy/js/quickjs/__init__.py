"""QuickJS in WebAssembly behind ``ccfpy.js.engine``; see README.md."""

from ccfpy.js.quickjs.context_pool import ContextPool
from ccfpy.js.quickjs.engine import VERSION, QuickJs, compile_module
from ccfpy.js.quickjs.script_instance import TIMED_OUT

__all__ = ["TIMED_OUT", "VERSION", "ContextPool", "QuickJs", "compile_module"]
