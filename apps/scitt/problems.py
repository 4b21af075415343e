"""Refusals in CBOR: concise problem details (RFC 9290), with a title and a detail."""

from collections.abc import Mapping
from typing import Final

from ccfpy.app import ApiError, Response, encode_cbor

CONTENT_TYPE: Final = "application/concise-problem-details+cbor"
TITLE: Final = -1
DETAIL: Final = -2


def details(code: str, message: str) -> dict[int, str]:
    """Return a problem as a map of CBOR."""
    return {TITLE: code, DETAIL: message}


class Problem(ApiError):
    """Raised anywhere below an endpoint to refuse a request in CBOR."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, headers=headers)

    def body(self) -> bytes:
        """Return the CBOR that the caller receives."""
        return encode_cbor(details(str(self.code), self.message))

    def response(self) -> Response:
        """Return the whole response."""
        headers = {**(self.headers or {}), "content-type": CONTENT_TYPE}
        return Response(status=self.status, headers=headers, body=self.body())


def invalid(message: str) -> Problem:
    """Return the refusal of a request that is wrong."""
    return Problem(400, "InvalidInput", message)


def internal(message: str) -> Problem:
    """Return the answer to a request that fails through no fault of its caller."""
    return Problem(500, "InternalError", message)
