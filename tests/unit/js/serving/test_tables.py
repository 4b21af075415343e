"""The names of the tables that hold an application's JavaScript."""

from ccfpy.js.serving.tables import GOVERNED, ScriptTables
from ccfpy.kv.store import Store
from ccfpy.service.tables.js import EndpointKey, EndpointProperties


def test_an_application_has_tables_of_its_own_under_its_prefix() -> None:
    tables = ScriptTables.under("public:mine")
    names = [
        tables.endpoints.name,
        tables.modules.name,
        tables.bytecode.name,
        tables.bytecode_version.name,
        tables.flush.name,
        tables.options.name,
    ]
    assert names == [
        "public:mine.metadata",
        "public:mine.modules",
        "public:mine.modules_quickjs_bytecode",
        "public:mine.modules_quickjs_version",
        "public:mine.interpreter_flush",
        "public:mine.runtime_options",
    ]


def test_they_hold_what_the_tables_of_governance_hold() -> None:
    tx = Store().begin()
    properties = EndpointProperties(forwarding_required="never", authn_policies=())
    for tables in (GOVERNED, ScriptTables.under("public:mine")):
        tables.endpoints.of(tx).put(EndpointKey("GET", "/x"), properties)
    raw = [tx.raw(tables).range() for tables in tx.handles]
    assert raw[0] == raw[1]
