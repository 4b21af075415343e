"""Traces as CCF writes them."""

from ccfpy.js.serving.execution import as_ccf_writes_it


def test_columns_go_and_paths_become_absolute() -> None:
    trace = (
        "    at <input>:3:14\n"
        "    at nested (endpoints/rpc.js:27:9)\n"
        "    at f (/m.js:1:2)\n"
        "    at <anonymous> (m.js:3:1)\n"
        "    at apply (native)\n"
    )
    assert as_ccf_writes_it(trace) == (
        "    at <input>:3\n"
        "    at nested (/endpoints/rpc.js:27)\n"
        "    at f (/m.js:1)\n"
        "    at <anonymous> (/m.js:3)\n"
        "    at apply (native)\n"
    )
