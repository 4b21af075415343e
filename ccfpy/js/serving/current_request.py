"""The request that is being answered, in every form that extensions ask for.

Extensions are made once for an interpreter and hold this object. The request's context
is put in before the call and taken out after it, so a reused interpreter cannot reach
anything of an earlier request.
"""

from typing import TYPE_CHECKING

from ccfpy.http.query import decode_component
from ccfpy.js.extensions.description import Description
from ccfpy.js.serving.caller import encoded_caller, signed_content
from ccfpy.kv.tx import MapHandle

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context


class CurrentRequest:
    """The request that is being answered, in every form that extensions ask for."""

    def __init__(self) -> None:
        self._context: Context | None = None

    @property
    def context(self) -> "Context":
        """The request's context."""
        assert self._context is not None, "scripts run only while a request is answered"
        return self._context

    def enter(self, context: "Context") -> None:
        """Set the request."""
        self._context = context

    def leave(self) -> None:
        """Forget the request."""
        self._context = None

    # ccf.kv

    def raw(self, name: str) -> MapHandle:
        """Return a table in the request's transaction."""
        return self.context.tx.raw(name)

    # The request itself

    def described(self) -> Description:
        """Return the request without its body.

        The query is percent-decoded as a whole, before it is split into parameters, and
        the path is not decoded: apps written for CCF expect this.
        """
        context = self.context
        request = context.request
        query, path = request.query, request.path
        if query:
            query = decode_component(query)
        headers = request.headers
        if not "".join(headers.values()).isascii():
            headers = {name: _utf8(value) for name, value in headers.items()}
        return Description(
            headers=headers,
            query=query,
            path=path,
            method=request.method,
            hostname=headers.get("host"),
            route=f"/app{context.endpoint.path}",
            url=f"{path}?{query}" if query else path,
            params=context.params,
            caller=encoded_caller(context.caller, context.tx),
        )

    @property
    def body(self) -> bytes:
        """The request's body."""
        return self.context.request.body

    @property
    def signed_content(self) -> bytes:
        """What the caller signed."""
        return signed_content(self.context.caller)


def _utf8(value: str) -> str:
    """Decode a header's bytes as UTF-8, with replacement characters."""
    return value.encode("latin-1").decode(errors="replace")
