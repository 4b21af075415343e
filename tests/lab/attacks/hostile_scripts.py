"""What a service under attack runs in JavaScript: an application, ballots, proposals.

The scripts that never end are those that an attacker finds in an app, or that a member
writes: a ballot and a constitution are code of a member's.
"""

from collections.abc import Mapping

from ccfpy.base.json import Json, JsonObject

ENDLESS = "/app/script/endless"
SHORT = "/app/script/short"
ENDLESS_BALLOT = "export function vote () { while (true) {} }"
ENDLESS_CONSTITUTION = "while (true) {}"
_MODULE = "endpoints.js"
_FUNCTIONS = {"endless": "while (true) {}", "short": "return { body: true };"}


def _properties(function: str) -> JsonObject:
    return {
        "js_module": _MODULE,
        "js_function": function,
        "forwarding_required": "never",
        "authn_policies": ["no_auth"],
        "mode": "readonly",
        "openapi": {},
    }


_ENDPOINTS: Mapping[str, Json] = {
    f"/script/{name}": {"get": _properties(name)} for name in _FUNCTIONS
}
BUNDLE: JsonObject = {
    "metadata": {"endpoints": dict(_ENDPOINTS)},
    "modules": [
        {
            "name": _MODULE,
            "module": "\n".join(
                f"export function {name} () {{ {body} }}"
                for name, body in _FUNCTIONS.items()
            ),
        }
    ],
}
"""An application, as ``set_js_app`` takes it."""
INSTALL: JsonObject = {"name": "set_js_app", "args": {"bundle": BUNDLE}}
"""The action that installs the application."""
