"""OpenAPI 3.0 and Swagger 2.0 documents, read for people.

A document comes from a service that may be hostile: a value of the wrong kind counts as
absent, and references are followed within the document only. Which callers an operation
accepts is said in words.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ccfpy.base.json import Json, JsonObject

VERBS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
OPERATIONS_MAX = 5000
"""Shown of one document; more would not be read by anybody."""
GENERAL = "general"
"""What operations right under a frontend are listed under."""
FRONTEND_PARTS = 2
_REFERENCES_FOLLOWED_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedParameter:
    """Something that a request names in its path, query or headers."""

    name: str
    place: str
    is_required: bool
    schema: Json
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedContent:
    """A body of one media type."""

    media_type: str
    schema: Json
    example: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedAnswer:
    """What a response of one status is."""

    status: str
    description: str
    contents: tuple[DescribedContent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedOperation:
    """A verb on a path.

    Attributes:
        policies: who may call, in the order in which they are tried; anybody if empty,
            unknown if ``None``.
        forwarding: whether a backup forwards it to the primary; empty if unknown.
    """

    verb: str
    path: str
    summary: str
    description: str
    tag: str
    is_deprecated: bool
    policies: tuple[str, ...] | None
    forwarding: str
    parameters: tuple[DescribedParameter, ...]
    bodies: tuple[DescribedContent, ...]
    answers: tuple[DescribedAnswer, ...]


class ApiDocument:
    """A document, and what a page shows of it."""

    def __init__(self, value: Json) -> None:
        self._value = as_object(value)

    @property
    def title(self) -> str:
        """What the document calls itself."""
        return text_at(self._value, "info", "title") or "Untitled"

    @property
    def version(self) -> str:
        """The version of what it describes."""
        return text_at(self._value, "info", "version")

    @property
    def description(self) -> str:
        """What it is about."""
        return text_at(self._value, "info", "description")

    def operations(self) -> Iterator[DescribedOperation]:
        """Return the operations, by path and then by verb."""
        shown = 0
        for path, item in sorted(as_object(self._value.get("paths")).items()):
            shared = as_list(as_object(item).get("parameters"))
            for verb in VERBS:
                operation = as_object(item).get(verb)
                if isinstance(operation, dict) and shown < OPERATIONS_MAX:
                    shown += 1
                    yield self._operation(verb, path, operation, shared)

    def resolve(self, value: Json) -> tuple[JsonObject, str]:
        """Follow references; return the object that they lead to, and its name."""
        name = ""
        for _ in range(_REFERENCES_FOLLOWED_MAX):
            reference = as_object(value).get("$ref")
            if not isinstance(reference, str):
                return as_object(value), name
            name = reference.rpartition("/")[2]
            value = self._at(reference)
        return {}, name

    def _at(self, reference: str) -> Json:
        if not reference.startswith("#/"):
            return None
        value: Json = self._value
        for part in reference[2:].split("/"):
            value = as_object(value).get(part.replace("~1", "/").replace("~0", "~"))
        return value

    def _operation(
        self, verb: str, path: str, operation: JsonObject, shared: list[Json]
    ) -> DescribedOperation:
        described = [
            self.resolve(each)[0]
            for each in (*shared, *as_list(operation.get("parameters")))
        ]
        forwarding = text_at(operation, "x-ccf-forwarding", "$ref")
        return DescribedOperation(
            verb=verb.upper(),
            path=path,
            summary=text_at(operation, "summary"),
            description=text_at(operation, "description"),
            tag=_tag(path, operation),
            is_deprecated=operation.get("deprecated") is True,
            policies=_policies(operation),
            forwarding=forwarding.rpartition("/")[2],
            parameters=tuple(_parameters(described)),
            bodies=tuple(self._bodies(operation, described)),
            answers=tuple(self._answers(operation)),
        )

    def _bodies(
        self, operation: JsonObject, parameters: list[JsonObject]
    ) -> Iterator[DescribedContent]:
        body, _ = self.resolve(operation.get("requestBody"))
        yield from _contents(body.get("content"))
        for parameter in parameters:
            if parameter.get("in") == "body":
                takes = as_list(
                    operation.get("consumes") or self._value.get("consumes")
                )
                yield DescribedContent(
                    media_type=next((t for t in takes if isinstance(t, str)), "*/*"),
                    schema=parameter.get("schema"),
                    example=None,
                )

    def _answers(self, operation: JsonObject) -> Iterator[DescribedAnswer]:
        gives = as_list(operation.get("produces") or self._value.get("produces"))
        for status, described in sorted(as_object(operation.get("responses")).items()):
            response, _ = self.resolve(described)
            contents = tuple(_contents(response.get("content")))
            if "schema" in response:
                kind = next((each for each in gives if isinstance(each, str)), "*/*")
                contents = (
                    DescribedContent(
                        media_type=kind, schema=response["schema"], example=None
                    ),
                )
            yield DescribedAnswer(
                status=status,
                description=text_at(response, "description"),
                contents=contents,
            )


def as_object(value: Json) -> JsonObject:
    """Return an object as it is, and an empty object for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """Return a list as it is, and an empty list for anything else."""
    return value if isinstance(value, list) else []


def text_at(value: Json, *path: str) -> str:
    """Return the text under a path of names, or an empty text."""
    for name in path:
        value = as_object(value).get(name)
    return value if isinstance(value, str) else ""


def _parameters(described: list[JsonObject]) -> Iterator[DescribedParameter]:
    named: dict[tuple[str, str], DescribedParameter] = {}
    for each in described:
        place, name = text_at(each, "in"), text_at(each, "name")
        if place == "body":
            continue
        named[place, name] = DescribedParameter(
            name=name,
            place=place,
            is_required=each.get("required") is True,
            schema=each.get("schema", each),
            description=text_at(each, "description"),
        )
    yield from named.values()


def _contents(described: Json) -> Iterator[DescribedContent]:
    for media_type, content in as_object(described).items():
        examples = as_object(as_object(content).get("examples")).values()
        first = next(iter(examples), None)
        yield DescribedContent(
            media_type=media_type,
            schema=as_object(content).get("schema"),
            example=as_object(content).get("example", as_object(first).get("value")),
        )


def _policies(operation: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Read who may call, from our own extension or from OpenAPI's security schemes."""
    named = operation.get("x-ccfpy-policies")
    if isinstance(named, list):
        return tuple(each for each in named if isinstance(each, str))
    security = operation.get("security")
    if not isinstance(security, list):
        return None
    return tuple(
        AND.join(as_object(requirement)) or ANYBODY for requirement in security
    )


def _tag(path: str, operation: JsonObject) -> str:
    """Return what an operation is listed under: its tag, or a part of its path."""
    for tag in as_list(operation.get("tags")):
        if isinstance(tag, str):
            return tag
    parts = [part for part in path.split("/") if part and "{" not in part]
    return parts[1].partition(":")[0] if len(parts) > FRONTEND_PARTS else GENERAL


ANYBODY: Final = "no_auth"
EVERYBODY: Final = "anybody, without a certificate or a token"
AND: Final = "+"
"""Between the names of policies of which a caller must satisfy each."""
CALLERS: Final[Mapping[str, str]] = {
    "user_cert": "users with a certificate",
    "member_cert": "members with a certificate",
    "node_cert": "nodes with a certificate",
    "any_cert": "anybody with a certificate",
    "jwt": "callers with a token (JWT)",
    "user_cose_sign1": "users who sign each request",
    "typed_user_cose_sign1": "users who sign each request",
    "member_cose_sign1": "members who sign each request",
    "active_member_cose_sign1": "active members who sign each request",
    ANYBODY: EVERYBODY,
}
"""Whom each policy lets in. Other policies have the names that an app gives them."""


def one(name: str) -> str:
    """Return whom one policy lets in."""
    return CALLERS.get(name, f"callers whom the policy {name} accepts")


def all_of(callers: Iterable[str]) -> str:
    """Return in words who is each of some callers.

    Those are one caller: what each policy demands is asked of the same request.
    """
    return f"callers who are all of: {', '.join(callers)}"


def described(name: str) -> str:
    """Return whom a policy lets in, by the name that a document has for the policy."""
    parts = name.split(AND)
    return all_of(map(one, parts)) if len(parts) > 1 else one(name)
