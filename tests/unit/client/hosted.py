"""A whole node in the test's process, answering a client's real connection."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from apps.logging.app import app
from ccfpy.client.share import constitution
from ccfpy.testing.node import InProcessNode, Person

CONSTITUTION = "\n".join(path.read_text() for path in constitution("default"))
KEPT_HEADERS = ("content-type", "x-ms-ccf-transaction-id")


class PersonsSigner:
    """Signs with a person's key."""

    def __init__(self, person: Person) -> None:
        self._key = person.key
        self.certificate = person.certificate

    async def sign(self, to_be_signed: bytes) -> bytes:
        return self._key.sign_raw(to_be_signed)


def hosted(*members: Person) -> InProcessNode:
    """Begin a service and open it."""
    node = InProcessNode(app, constitution=CONSTITUTION, members=members)
    node.open_service(Person.make("user0"))
    return node


def answering(
    node: InProcessNode,
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return what hands requests to the node; time passes between two of them."""

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {
            name: value
            for name in ("content-type",)
            if (value := request.headers.get(name)) is not None
        }
        reply = node.request(
            request.method, request.path_qs, body=body, headers=headers
        )
        node.advance(100)
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers={
                name: value
                for name, value in reply.headers.items()
                if name in KEPT_HEADERS
            },
        )

    return answer
