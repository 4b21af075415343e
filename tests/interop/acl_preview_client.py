"""What only the preview of Azure's client of a confidential ledger offers."""

from typing import Any, TypeAlias

from azure.core.exceptions import (  # type: ignore[import-not-found]
    HttpResponseError,
)

Client: TypeAlias = Any

USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
MODULE = "export function hi(request) { return { body: { said: 'hi' } }; }"
BUNDLE = {
    "metadata": {
        "endpoints": {
            "/hi": {
                "get": {
                    "js_module": "/hi.js",
                    "js_function": "hi",
                    "mode": "readonly",
                    "forwarding_required": "sometimes",
                    "authn_policies": ["no_auth"],
                }
            }
        }
    },
    "modules": [{"name": "/hi.js", "module": MODULE}],
}
ADD = """
const key = ccf.strToBuf("k");
export function main(a, b) { return Number(a) + Number(b); }
export function note(text) { ccf.kv["notes"].set(key, ccf.strToBuf(text)); }
export function noteEntry() {
  const { collectionId, contents, userId } = context;
  const text = [collectionId, contents, userId.length > 0].join();
  ccf.kv["notes"].set(key, ccf.strToBuf(text));
}
export function read() { return ccf.bufToStr(ccf.kv["notes"].get(key)); }
export function refuse() { throw new Error("no"); }
"""


def use_preview(client: Client) -> dict[str, object]:
    """Use what the preview adds."""
    return {
        "users": _users(client),
        "tags": _tags(client),
        "roles": _roles(client),
        "endpoints": _endpoints(client),
        "functions": _functions(client),
    }


def _users(client: Client) -> dict[str, object]:
    roles = ["Reader", "Contributor"]
    added = client.create_or_update_ledger_user(USER, {"assignedRoles": roles})
    read = client.get_ledger_user(USER)
    many = [each["userId"] for each in client.list_ledger_users()]
    one = [each["assignedRole"] for each in client.list_users()]
    client.delete_ledger_user(USER)
    left = [each["userId"] for each in client.list_ledger_users()]
    return {
        "added": added["assignedRoles"],
        "read": read["assignedRoles"],
        "is_listed": USER in many,
        "one": "Reader" in one,
        "is_left": USER in left,
    }


def _tags(client: Client) -> list[str]:
    for text, tags in (("first", "red,blue"), ("second", "blue"), ("third", None)):
        # The client passes tags on to its questions of the state, where they have no
        # place, if it is to append and wait in one call.
        written = client.create_ledger_entry(
            {"contents": text}, collection_id="tagged", tags=tags
        )
        client.begin_wait_for_commit(
            written["transactionId"], polling_interval=0.02
        ).result()
    listed = client.list_ledger_entries(collection_id="tagged", tag="blue")
    return [each["contents"] for each in listed][-2:]


def _roles(client: Client) -> dict[str, object]:
    role = {"roleName": "auditor", "roleActions": ["/content/read"]}
    client.create_user_defined_role({"roles": [role]})
    role["roleActions"] = ["/content/read", "/audit"]
    client.update_user_defined_role({"roles": [role]})
    (read,) = client.get_user_defined_role(role_name="auditor")["roles"]
    client.create_or_update_ledger_user(USER, {"assignedRoles": ["auditor"]})
    client.delete_ledger_user(USER)
    client.delete_user_defined_role(role_name="auditor")
    try:
        client.get_user_defined_role(role_name="auditor")
    except HttpResponseError as error:
        status = error.status_code
    else:
        status = 200
    return {"actions": sorted(read["roleActions"]), "then": status}


def _endpoints(client: Client) -> dict[str, object]:
    client.create_user_defined_endpoint(BUNDLE)
    bundle = client.get_user_defined_endpoint().as_dict()
    module = client.get_user_defined_endpoints_module(module_name="/hi.js")
    options = client.update_runtime_options({"max_execution_time_ms": 2000})
    read = client.get_runtime_options()
    return {
        "paths": list(bundle["metadata"]["endpoints"]),
        "module": module["module"] == MODULE,
        "options": [options["max_execution_time_ms"], read["max_execution_time_ms"]],
    }


def _functions(client: Client) -> dict[str, object]:
    made = client.create_user_defined_function("add", {"code": ADD})
    read = client.get_user_defined_function("add")
    listed = [each["id"] for each in client.list_user_defined_functions()]

    def run(**properties: object) -> dict[str, Any]:
        done = client.execute_user_defined_function("add", properties)
        told: dict[str, Any] = done.as_dict()
        return told

    added = run(arguments=["1", "2"])
    hook = {
        "functionId": "add",
        "properties": {"exportedFunctionName": "note", "arguments": ["hooked"]},
    }
    entry = {"contents": "with a hook", "preHooks": [hook], "postHooks": [hook]}
    client.begin_create_ledger_entry(entry, polling_interval=0.02).result()
    noted = run(exportedFunctionName="read")
    hook["properties"] = {"exportedFunctionName": "noteEntry"}
    entry = {"contents": "seen", "postHooks": [hook]}
    client.create_ledger_entry(entry, collection_id="seen")
    seen = run(exportedFunctionName="read")
    failed = run(exportedFunctionName="refuse")
    client.delete_user_defined_function("add")
    return {
        "id": made["id"],
        "code": read["code"] == ADD,
        "listed": listed,
        "added": added,
        "noted": noted["result"],
        "seen": seen["result"],
        "failed": failed,
        "left": [each["id"] for each in client.list_user_defined_functions()],
    }
