"""A line for curl that calls an operation, with examples for its parameters."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ccfpy.base.json import Json
from ccfpy.endpoints.api_page.document import (
    ApiDocument,
    DescribedContent,
    DescribedOperation,
)
from ccfpy.endpoints.api_page.example import example, written

_CERTIFICATES = ("user_cert", "member_cert", "any_cert")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurlCaller:
    """How somebody reaches a service with ``curl``.

    Attributes:
        url: where a node answers.
        folder: where the keys are, as it is named on the command line.
    """

    url: str
    folder: str


def curl(
    document: ApiDocument, operation: DescribedOperation, caller: CurlCaller
) -> str:
    """Return the line; a value that no example can stand for is in capitals."""
    words = ["curl", "--cacert", f"{caller.folder}/service_cert.pem"]
    if operation.verb == "HEAD":
        words.append("--head")
    elif operation.verb != "GET":
        words += ["-X", operation.verb]
    words += _credentials(operation.policies or (), caller.folder)
    for body in operation.bodies[:1]:
        words += ["-H", f"content-type: {body.media_type}"]
        words += ["--data-binary", _sent(document, body)]
    query = "&".join(
        f"{_quoted(each.name)}={_quoted(value_of(document, each.schema))}"
        for each in operation.parameters
        if each.place == "query" and each.is_required
    )
    path = operation.path
    for each in operation.parameters:
        if each.place == "path":
            value = _quoted(value_of(document, each.schema))
            path = path.replace(f"{{{each.name}}}", value)
    url = f"{caller.url}{path}{'?' if query else ''}{query}"
    return " ".join(map(shlex.quote, [*words, url]))


def sample_of(document: ApiDocument, content: DescribedContent) -> Json:
    """Return the example that a body has, or one that fits its schema."""
    if content.example is not None:
        return content.example
    return example(document, content.schema)


def _sent(document: ApiDocument, body: DescribedContent) -> str:
    if "cose" in body.media_type:
        return "@SIGNED"
    if "json" in body.media_type:
        return written(sample_of(document, body))
    return "@FILE"


def value_of(document: ApiDocument, schema: Json) -> str:
    """Return an example of what a request names, as it is written before quoting."""
    value = example(document, schema)
    return value if isinstance(value, str) else written(value)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _credentials(policies: Sequence[str], folder: str) -> list[str]:
    """Return the options for the first policy that asks for something."""
    first = next((each for each in policies if each != "no_auth"), "")
    if any(name in first for name in _CERTIFICATES):
        who = "member0" if "member_cert" in first else "user0"
        stem = f"{folder}/{who}"
        return ["--cert", f"{stem}_cert.pem", "--key", f"{stem}_privk.pem"]
    if "jwt" in first:
        return ["-H", "authorization: Bearer TOKEN"]
    return []
