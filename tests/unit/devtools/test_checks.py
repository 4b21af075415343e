"""A bundle's faults and remarks, each told by a sentence that says what to do."""

import re
from typing import Any

import pytest

from ccfpy.base.json import JsonObject
from ccfpy.client.bundle import Bundle
from ccfpy.devtools.checks import check

GOOD: dict[str, Any] = {
    "js_module": "main.js",
    "js_function": "f",
    "forwarding_required": "always",
    "authn_policies": ["user_cert", {"all_of": ["user_cert", "jwt"]}],
    "mode": "readonly",
    "openapi": {},
}
MODULES = {
    "main.js": "import { x } from './lib/x.js';\n"
    "const t = ccf.kv['t'];\nexport const f = () => ({ body: x });\n"
    "export const g = 7;\n",
    "lib/x.js": "export const x = ccf.strToBuf('x');",
}


def _bundle(
    modules: dict[str, str] | None = None,
    *,
    verb: str = "get",
    path: str = "/f",
    **properties: object,
) -> Bundle:
    endpoint = {k: v for k, v in (GOOD | properties).items() if v is not None}
    return Bundle(
        metadata={"endpoints": {path: {verb: endpoint}}},
        modules=MODULES | (modules or {}),
    )


def test_a_good_bundle_has_neither() -> None:
    findings = check(_bundle())
    assert (findings.faults, findings.remarks) == ([], [])


@pytest.mark.parametrize(
    ("properties", "fault"),
    [
        ({"mode": "fast"}, 'expected one of "readwrite", "readonly", "historical"'),
        ({"forwarding_required": None}, "forwarding_required"),
        ({"forwarding_required": "maybe"}, 'expected one of "sometimes"'),
        ({"redirection_strategy": "x"}, 'expected one of "none", "to_primary"'),
        ({"authn_policies": ["user_crt"]}, "Unknown auth policy: user_crt"),
        ({"authn_policies": [{"all_of": []}]}, "Unsupported auth policy"),
        ({"authn_policies": None}, "authn_policies"),
        ({"js_function": None}, "say 'js_function', as text"),
        ({"js_function": "h"}, "calls 'h', which 'main.js' does not export"),
        ({"js_function": "g"}, "calls 'g', which 'main.js' exports as number"),
        ({"js_module": "man.js"}, "names the module 'man.js'.*is it 'main.js'?"),
        ({"js_module": "/main.js"}, "write 'main.js' without the '/'"),
        ({"path": "f"}, "a path begins with '/'"),
        ({"path": "/{f"}, "closing brace"),
    ],
)
def test_a_property_that_a_service_could_not_use_is_a_fault(
    properties: dict[str, Any], fault: str
) -> None:
    faults = check(_bundle(**properties)).faults
    assert len(faults) == 1
    assert faults[0].startswith("app.json: GET ")
    assert re.search(fault, faults[0])


@pytest.mark.parametrize(
    ("modules", "fault"),
    [
        ({"a.js": "export const = 1"}, "module 'a.js' does not compile"),
        ({"a.txt": "hello there"}, "keep other files elsewhere"),
        ({"lib/x.js": "export const y = 1;"}, "module 'main.js' does not load"),
        ({"lib/x.js": "throw Error('no'); export let x;"}, "does not load: Error: no"),
        ({"lib/x.js": "const f = () => f(); f(); export let x;"}, "stack overflow"),
    ],
)
def test_a_module_that_cannot_be_used_is_a_fault(
    modules: dict[str, str], fault: str
) -> None:
    faults = check(_bundle(modules)).faults
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("metadata", "fault"),
    [
        ({}, "an object 'endpoints'"),
        ({"endpoints": {"/f": 7}}, "/f needs an object of verbs"),
        ({"endpoints": {"/f": {"get": 7}}}, "GET /f needs an object of properties"),
    ],
)
def test_metadata_of_another_form_is_a_fault(metadata: JsonObject, fault: str) -> None:
    faults = check(Bundle(metadata=metadata, modules=MODULES)).faults
    assert len(faults) == 1
    assert fault in faults[0]


def test_what_nothing_reads_is_remarked() -> None:
    bundle = _bundle(verb="gett", js_modul="main.js", whatever=1)
    findings = check(Bundle(metadata={**bundle.metadata, "x": 1}, modules=MODULES))
    assert findings.faults == []
    assert findings.remarks == [
        "app.json: nothing reads 'x' beside 'endpoints'",
        "app.json: GETT /f: no request has the verb GETT",
        "app.json: GETT /f: nothing reads the property 'js_modul': is it 'js_module'?",
        "app.json: GETT /f: nothing reads the property 'whatever'",
    ]


def test_several_faults_are_all_told() -> None:
    faults = check(_bundle(mode="fast", js_function="h")).faults
    assert len(faults) == 2
