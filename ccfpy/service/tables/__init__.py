"""Every built-in map, one file per family, with CCF's exact names and JSON.

The names are those of ``include/ccf/service/tables`` and ``src/service/tables``; what
each map is for is described in CCF's ``doc/audit/builtin_maps.rst``.
"""
