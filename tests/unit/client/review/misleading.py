"""Proposals that would have a voter approve something else than what is read.

Each is read in the page (``tests/e2e/console/test_misleading.py``), by ``ccfpy gov
show``, and described here.
"""

from ccfpy.base.json import Json, JsonObject
from tests.unit.client.review.made import RULES, USER, action

VERDICT = "ccfpy found no risk"
"""What a proposer would like the page to say."""
FORGED = f'reads one". {VERDICT}. ⦆ {VERDICT} ⦅ "'
ALONE = RULES.replace(
    "return 2 * inFavour > active.size",
    "return votes.length > 0 || 2 * inFavour > active.size",
)
"""A constitution under which the first vote decides, whatever it says."""
LOCKED = RULES.replace("return 2 * inFavour > active.size", "return false")
"""A constitution that accepts nothing."""
BROKEN = "export function resolve (proposal) { throw new Error('no') }"


def users(count: int) -> list[JsonObject]:
    """Return as many actions that put little at stake."""
    return [
        {
            "name": "set_user_data",
            "args": {"user_id": f"{number:064x}", "user_data": {"n": number}},
        }
        for number in range(count)
    ]


def hidden(constitution: str) -> list[Json]:
    """Hide a constitution as action 151 of 195."""
    others = users(194)
    return [
        *others[:150],
        action("set_constitution", constitution=constitution),
        *others[150:],
    ]


def endpoint(policies: list[Json], said: str, module: str = "a.js") -> Json:
    """Return an endpoint whose author says something of it."""
    return {
        "js_module": module,
        "js_function": "read",
        "authn_policies": policies,
        "mode": "readonly",
        "forwarding_required": "never",
        "openapi": {"summary": said, "description": said},
    }


def app(endpoints: JsonObject, **modules: str) -> Json:
    """Return an action that installs an app of these endpoints and modules."""
    bundle: Json = {
        "metadata": {"endpoints": endpoints},
        "modules": [
            {"name": f"{name}.js", "module": text} for name, text in modules.items()
        ],
    }
    return action("set_js_app", bundle=bundle)


READS = "export function read () { return {} }\n"
FORGING = app(
    {
        "/a": {"get": endpoint(["no_auth"], FORGED)},
        f"/b: {VERDICT}⦆": {"get": endpoint(["no_auth"], "one")},
        "/c": {"get": endpoint([FORGED], "one")},
        "/d": {"get": endpoint([{"all_of": []}], "one")},
    },
    a=READS,
)
"""An app whose author's words would end their quotation."""
UNKNOWN = action(f"no_risk⦆: {VERDICT}", of=USER.pem)
CONDITIONAL = "export function vote (proposal) { return proposal.length > 1 }"
"""A ballot that decides each time it is counted."""
BYTECODE = """
actions.set("write_compiled", new Action(() => {}, () => {
  const table = ccf.kv["public:ccf.gov.modules_quickjs_bytecode"];
  table.set(ccf.strToBuf("/a.js"), ccf.strToBuf("something else"));
}));
"""
"""An action that writes code which nobody can read."""
