"""A confidential ledger within a test, and those who use it."""

from urllib.parse import urlencode

from apps.confidential_ledger.app import VERSIONS, app
from apps.confidential_ledger.callers import AUDIENCES
from apps.confidential_ledger.limits import WAIT_MS
from apps.confidential_ledger.user_ids import fingerprint
from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.testing.apps import Answer, Caller, Service

ADMINISTRATOR: JsonObject = {"assignedRoles": ["Administrator"]}
OBJECT_ID = "7f3c2a10-0b1d-4c55-9d27-1f0e5a6b7c8d"
STEP_MS = 10
AUDIENCE = min(AUDIENCES)
MARK = {"app": app, "users": {"admin": ADMINISTRATOR}}
"""What tests are marked with: members made the first user an administrator."""


def path(below: str, **query: str) -> str:
    """Return a path of the application, with the version in its query."""
    return f"/app/{below}?{urlencode({'api-version': VERSIONS[0], **query})}"


def append(caller: Caller, contents: str, **query: str) -> Answer:
    """Append an entry."""
    return caller.post(path("transactions", **query), {"contents": contents})


def assign(admin: Caller, user_id: str, *roles: str) -> Answer:
    """Assign roles to a user."""
    body: Json = {"assignedRoles": list(roles)}
    return admin.patch(path(f"ledgerUsers/{user_id}"), body)


def with_role(service: Service, role: str, name: str = "other") -> Caller:
    """Return a caller whom an administrator gave a role."""
    caller = service.stranger(name)
    assign(service.user(), fingerprint(caller.id), role).raise_for_error()
    return caller


def page_of(service: Service, caller: Caller, target: str) -> JsonObject:
    """Return a page, for which a caller may have to wait."""
    client = service.nodes[0].connect(caller.person)
    responses = client.send(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    waited_ms = 0
    while not responses:
        assert waited_ms <= WAIT_MS, "a page waits no longer"
        service.advance(STEP_MS)
        waited_ms += STEP_MS
        responses = client.receive()
    (response,) = responses
    assert response.status == 200, response.body
    return json.loads_object(response.body)


def listed(
    service: Service, caller: Caller, below: str, name: str, **query: str
) -> list[JsonObject]:
    """Return all items of a list, page after page."""
    link: Json = path(below, **query)
    found: list[JsonObject] = []
    while link is not None:
        assert isinstance(link, str)
        if "api-version" not in link:
            mark = "&" if "?" in link else "?"
            link = f"{link}{mark}{urlencode({'api-version': VERSIONS[0]})}"
        page = page_of(service, caller, link)
        items = page[name]
        assert isinstance(items, list)
        for item in items:
            assert isinstance(item, dict)
            found.append(item)
        link = page.get("nextLink")
    return found
