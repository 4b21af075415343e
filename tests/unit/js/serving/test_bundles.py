"""Bundles that users install."""

import copy

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.js.quickjs import VERSION
from ccfpy.js.serving import (
    Scripts,
    ScriptTables,
    install_bundle,
    installed_bundle,
    installed_module,
    patch_runtime_options,
    runtime_options,
)
from ccfpy.kv.store import Store
from tests.unit.js.serving.installed import Installed

TABLES = ScriptTables.under("public:mine")
PROPERTIES: JsonObject = {
    "js_module": "m.js",
    "js_function": "f",
    "forwarding_required": "never",
    "redirection_strategy": "none",
    "authn_policies": ["no_auth"],
    "mode": "readonly",
    "openapi": {},
}
BUNDLE: JsonObject = {
    "metadata": {"endpoints": {"/f": {"get": PROPERTIES}}},
    "modules": [
        {"name": "m.js", "module": "export const f = () => ({ body: 'mine' })"},
        {"name": "/lib/n.js", "module": ""},
    ],
}
DEFAULTS = {
    "log_exception_details": False,
    "max_cached_interpreters": 10,
    "max_execution_time_ms": 5000,
    "max_heap_bytes": 100 << 20,
    "max_stack_bytes": 1 << 20,
    "return_exception_details": False,
}


def installed_with(bundle: Json) -> Installed:
    installed = Installed(Scripts(tables=TABLES))
    tx = installed.node.begin(read_only=False)
    install_bundle(TABLES, tx, bundle)
    installed.node.commit(tx, None)
    return installed


def test_what_is_installed_is_served_until_something_else_is() -> None:
    installed = installed_with(BUNDLE)
    assert installed.call("GET", "/f").body == b"mine"
    tx = installed.node.begin(read_only=False)
    install_bundle(TABLES, tx, {"metadata": {"endpoints": {}}, "modules": []})
    installed.node.commit(tx, None)
    assert installed.call("GET", "/f").status == 404


def test_it_can_be_read_back_with_names_and_verbs_as_kept() -> None:
    tx = installed_with(BUNDLE).node.begin(read_only=True)
    assert installed_bundle(TABLES, tx) == {
        "metadata": {"endpoints": {"/f": {"GET": PROPERTIES}}},
        "modules": [
            {"name": "/m.js", "module": "export const f = () => ({ body: 'mine' })"},
            {"name": "/lib/n.js", "module": ""},
        ],
    }
    assert installed_module(TABLES, tx, "lib/n.js") == ""
    assert installed_module(TABLES, tx, "/lib/n.js") == ""
    assert installed_module(TABLES, tx, "none.js") is None
    assert TABLES.bytecode_version.of(tx).get() == VERSION
    assert sorted(TABLES.bytecode.of(tx).keys()) == ["/lib/n.js", "/m.js"]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ((), []),
        (("metadata",), None),
        (("metadata", "endpoints"), None),
        (("metadata", "endpoints", "/f"), None),
        (("metadata", "endpoints", "/f", "get"), None),
        (("metadata", "endpoints", "/f", "get", "mode"), "sometimes"),
        (("metadata", "endpoints", "/f", "get", "authn_policies"), None),
        (("modules",), None),
        (("modules",), [1]),
        (("modules",), [{"name": "m.js"}]),
        (("modules",), [{"name": 1, "module": ""}]),
        (("modules",), [{"name": "m.js", "module": "export ("}]),
    ],
)
def test_what_is_no_bundle_is_refused(path: tuple[str, ...], wrong: Json) -> None:
    bundle: Json = copy.deepcopy(BUNDLE)
    place = bundle
    for name in path[:-1]:
        assert isinstance(place, dict)
        place = place[name]
    if path:
        assert isinstance(place, dict)
        place[path[-1]] = wrong
    else:
        bundle = wrong
    with pytest.raises(Malformed):
        install_bundle(TABLES, Store().begin(), bundle)


def test_options_are_changed_one_by_one_and_reset_by_null() -> None:
    tx = Store().begin()
    assert runtime_options(TABLES, tx) == DEFAULTS
    assert patch_runtime_options(TABLES, tx, {}) == DEFAULTS
    small: JsonObject = {"max_heap_bytes": 42, "return_exception_details": True}
    assert patch_runtime_options(TABLES, tx, small) == {**DEFAULTS, **small}
    assert runtime_options(TABLES, tx) == {**DEFAULTS, **small}
    back: JsonObject = {"max_heap_bytes": None, "return_exception_details": None}
    assert patch_runtime_options(TABLES, tx, back) == DEFAULTS


@pytest.mark.parametrize("patch", [None, [], {"max_heap_bytes": "x"}, {"a": {}}])
def test_options_of_another_form_are_refused_or_ignored(patch: Json) -> None:
    tx = Store().begin()
    if patch == {"a": {}}:
        assert patch_runtime_options(TABLES, tx, patch) == DEFAULTS
    else:
        with pytest.raises(Malformed):
            patch_runtime_options(TABLES, tx, patch)
