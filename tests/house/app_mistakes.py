"""Mistakes in declarations of an app, each with the sentence that refuses it.

`tests/unit/endpoints/test_diagnostics.py` declares each, and `docs/reference/app.md`
lists them.
"""

from typing import NamedTuple


class Mistake(NamedTuple):
    """A declaration and what is said of it, after the file and the line.

    Attributes:
        code: the declaration.
        sentence: the refusal.
    """

    code: str
    sentence: str


_TEXT_TYPES = (
    "use str, int, float, bool, datetime, date, UUID, Decimal, an enum or a Literal"
)
_KNOWN_TYPES = (
    "use text, a number, a boolean, bytes, datetime, date, UUID, Decimal, an enum, a "
    "Literal, a list or a dict by text, a dataclass or model of these, or one of these "
    "or None"
)

MISTAKES = (
    Mistake(
        '@app.get("/x")\nasync def read(ctx: Context) -> int: ...',
        'read is declared by "async def", and a call within a transaction waits for '
        'nothing: write "def"',
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context) -> list[int]:\n    yield 1',
        "read yields its answer, which is sent as a whole: return it",
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context): ...',
        'read says no type of its answer: write "-> None" if it answers nothing, '
        '"-> Response" if it makes the response itself, or else the type of what it '
        "answers",
    ),
    Mistake(
        '@app.get("/x")\ndef read() -> int: ...',
        'read does not take the context first: write "ctx: Context" before its other '
        "parameters",
    ),
    Mistake(
        '@app.get("/x/{id}")\ndef read(id: U64) -> int: ...',
        'read does not take the context first: write "ctx: Context" before its other '
        "parameters",
    ),
    Mistake(
        '@app.get("/x/{id}")\ndef read(ctx: Context) -> int: ...',
        'read has no parameter "id", which the path "/x/{id}" has as {id}: use one '
        "name in both",
    ),
    Mistake(
        '@app.get("/x/{nmber}")\ndef read(ctx: Context, number: U64) -> int: ...',
        'read has no parameter "nmber", which the path "/x/{nmber}" has as {nmber}, '
        'and takes "number", which the path lacks: use one name in both',
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context, number) -> int: ...',
        'read says no type of "number": write "number: str", or its type',
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context, *numbers: int) -> int: ...',
        'read takes any number of arguments as "numbers": write each parameter by its '
        "name",
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context, number: int, /) -> int: ...',
        'read takes "number" by position only, and a request has names: remove the "/"',
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context, tags: list[str]) -> int: ...',
        'read takes "tags", and a path or query has no form for list[str]: '
        f"{_TEXT_TYPES}",
    ),
    Mistake(
        '@app.put("/x")\ndef write(ctx: Context, body: set[str]) -> None: ...',
        f'write takes "body", and JSON has no form for set[str]: {_KNOWN_TYPES}',
    ),
    Mistake(
        "@dataclass\nclass Note:\n    size: complex\n\n\n"
        '@app.put("/x")\ndef write(ctx: Context, note: Note) -> None: ...',
        'write takes "note", and JSON has no form for complex (in Note.size): '
        f"{_KNOWN_TYPES}",
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context) -> int | str: ...',
        "read answers a value, and JSON cannot tell the parts of int | str apart: "
        f"{_KNOWN_TYPES}",
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context) -> "Card": ...',
        'read names the type "Card", which is not there when the app is loaded: '
        "define or import it before, and not under TYPE_CHECKING",
    ),
    Mistake(
        '@dataclass\nclass Tree:\n    parts: list["Tree"]\n\n\n'
        '@app.get("/x")\ndef read(ctx: Context) -> Tree: ...',
        "read answers a value, whose type contains itself: keep ids of the inner ones",
    ),
    Mistake(
        '@app.put("/x")\ndef write(ctx: Context, body: str, note: Note) -> None: ...',
        'write takes two bodies, "body" and "note", and a request has one: make them '
        "fields of one dataclass",
    ),
    Mistake(
        '@app.get("/x")\ndef read(ctx: Context, then: HistoricalState) -> int: ...',
        'read takes "then", a state of the past, outside of historical mode: declare '
        'it with "mode=Mode.HISTORICAL"',
    ),
    Mistake(
        "def size(ctx: Context) -> str: ...\n\n\n"
        '@app.get("/x")\n'
        "def read(ctx: Context, all: Annotated[int, Provided(size)]) -> int: ...",
        'read takes "all" of one type, and size, which provides it, answers another: '
        "use one type in both",
    ),
    Mistake(
        '@app.get("/x/{other}")\ndef read(ctx: Context, other: str) -> int: ...',
        "read answers GET /x/{other}, which first at notes.py:11 answers already: "
        "change the verb or the path of one of them",
    ),
    Mistake(
        "@app.default_endpoint()\n"
        "def find(ctx: Context) -> int: ...\n\n\n"
        "@app.default_endpoint()\n"
        "def read(ctx: Context) -> int: ...",
        "read answers * /{path}, which find at notes.py:14 answers already: change "
        "the verb or the path of one of them",
    ),
    Mistake(
        "@app.every(10)\ndef tidy(ctx: JobContext) -> None: ...",
        "tidy is declared for every 10 ms: write from 1000 to 604800000",
    ),
    Mistake(
        "@app.on_start\ndef begin() -> None: ...",
        'begin is a job, which takes its context alone: write "ctx: JobContext"',
    ),
    Mistake(
        '@custom_policy("jwt")\ndef judge(shown: RequestCredentials) -> AppCaller: ...',
        'judge is declared as the policy "jwt", which is one of the service: choose '
        "another name",
    ),
    Mistake(
        '@custom_policy("mine", security_scheme={"type": "apiKey", "in": "header"})\n'
        "def judge(shown: RequestCredentials) -> AppCaller: ...",
        'judge is declared with a security scheme without "name": add it',
    ),
    Mistake(
        '@app.get("x")\ndef read(ctx: Context) -> int: ...',
        'read is declared for the path "x": write "/x"',
    ),
    Mistake(
        '@app.get("/x/{id")\ndef read(ctx: Context, id: str) -> int: ...',
        "read is declared wrongly: path template lacks a closing brace: /x/{id",
    ),
    Mistake(
        '@app.endpoint("get", "/x")\ndef read(ctx: Context) -> int: ...',
        'read is declared for the verb "get": write "GET"',
    ),
    Mistake(
        '@app.get("/x", execution_ms_max=0)\ndef read(ctx: Context) -> int: ...',
        "read is declared with a time limit of 0 ms: write at least 1",
    ),
)
