"""Example values that fit schemas, and a line for curl that calls an operation."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.api_page.document import (
    ApiDocument,
    DescribedContent,
    DescribedOperation,
    as_list,
    as_object,
    text_at,
)

DEPTH_MAX = 10
PROPERTIES_MAX = 50
"""Of one object in an example."""
VALUES_MAX = 500
"""Of one example, at all its levels."""
TEXT_MAX = 4000
"""Characters of a value that are shown."""


def written(value: Json, *, indent: int | None = None) -> str:
    """Write a value as JSON, as far as a page should hold it."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent)
    except RecursionError:
        return "…"
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"


def example(document: ApiDocument, schema: Json) -> Json:
    """Make a value that fits a schema."""
    return _Example(document).of(schema, DEPTH_MAX)


class _Example:
    """One value in the making; it ends even where schemas refer to each other."""

    def __init__(self, document: ApiDocument) -> None:
        self._document = document
        self._values_left = VALUES_MAX

    def of(self, schema: Json, depth: int) -> Json:
        """Return a value within the value, of which ``depth`` levels are left."""
        described, name = self._document.resolve(schema)
        self._values_left -= 1
        for field in ("example", "default"):
            if field in described:
                return described[field]
        if values := as_list(described.get("enum")):
            return values[0]
        if depth == 0 or self._values_left <= 0:
            return None
        for kind in ("allOf", "oneOf", "anyOf"):
            if parts := as_list(described.get(kind)):
                return self.of(parts[0], depth - 1)
        return self._of_type(described, name, depth - 1)

    def _of_type(self, described: JsonObject, name: str, depth: int) -> Json:
        match described.get("type"):
            case "object":
                return self._object(described, depth)
            case "array":
                return [self.of(described.get("items"), depth)]
            case "integer" | "number":
                least = described.get("minimum")
                return max(1, least) if isinstance(least, int | float) else 1
            case "boolean":
                return True
            case "string":
                return _text(text_at(described, "format"), name)
            case _:
                return {}

    def _object(self, described: JsonObject, depth: int) -> Json:
        """Return the required properties, or all properties if none is required."""
        properties = as_object(described.get("properties"))
        required = as_list(described.get("required")) or list(properties)
        return {
            name: self.of(inner, depth)
            for name, inner in list(properties.items())[:PROPERTIES_MAX]
            if name in required
        }


def _text(form: str, name: str) -> str:
    if form in ("base64", "byte"):
        return "aGVsbG8="
    if name.lower() == "transactionid":
        return "2.10"
    return "ab" * 32 if form == "hex" or name.endswith("Id") else "text"


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
