"""An application that has a bit of everything, and a service of it."""

from pathlib import Path

import pytest

from ccfpy.app import (
    RAW,
    STRING,
    App,
    Context,
    JwtCaller,
    Map,
    Response,
    UserCoseSign1Caller,
)
from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.testing.apps import Service

NOTES = Map("public:notes", STRING, RAW)
app = App("notes")


@app.put("/notes/{note}", auth=["user_cert"])
def write(ctx: Context, note: str) -> None:
    """Keep a note."""
    NOTES.of(ctx.tx).put(note, ctx.request.body)


@app.delete("/notes/{note}", auth=["user_cert"])
def remove(ctx: Context, note: str) -> None:
    """Forget a note."""
    NOTES.of(ctx.tx).remove(note)


@app.head("/notes/{note}", auth=["user_cert"])
def look(_: Context, note: str) -> Response:
    """Answer as a GET would, with the size of a note that is left out."""
    headers = {"x-note": "milk", "content-length": note}
    return Response(status=200, headers=headers)


@app.get("/header")
def header(ctx: Context) -> str | None:
    """Return a header."""
    return ctx.request.headers.get("x-note")


@app.get("/defect")
def defect(_: Context) -> None:
    """Fail in a way nobody has thought of."""
    raise KeyError("no such thing")


@app.post("/signed", auth=["user_cose_sign1"])
def signed(ctx: Context) -> str:
    """Return what was signed."""
    assert isinstance(ctx.caller, UserCoseSign1Caller)
    return f"{ctx.caller.message_type}: {ctx.caller.content.decode()}"


@app.get("/token", auth=["jwt"])
def token(ctx: Context) -> str:
    """Return the token's subject."""
    assert isinstance(ctx.caller, JwtCaller)
    return str(ctx.caller.payload["sub"])


SOURCE = """
export function greet() { console.info("greeted"); return { body: "hello" }; }
export function fail() { throw new TypeError("wrong"); }
export function long() { return { body: "x".repeat(2 << 20) }; }
export function spin() { for (;;) {} }
"""


def _endpoint(function: str) -> JsonObject:
    return {
        "js_module": "greet.js",
        "js_function": function,
        "forwarding_required": "never",
        "authn_policies": ["no_auth"],
        "mode": "readonly",
    }


METADATA: JsonObject = {
    "endpoints": {
        "/greet": {"get": _endpoint("greet")},
        "/fail": {"get": _endpoint("fail")},
        "/long": {"get": _endpoint("long")},
        "/spin": {"get": _endpoint("spin")},
    }
}


@pytest.fixture
def service() -> Service:
    return Service.open(app, members=2, users={"ann": {"role": "writer"}, "bob": None})


@pytest.fixture
def bundle() -> JsonObject:
    return {
        "metadata": METADATA,
        "modules": [{"name": "greet.js", "module": SOURCE}],
    }


@pytest.fixture
def bundle_folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "app.json").write_bytes(json.dumps(METADATA))
    (tmp_path / "src" / "greet.js").write_text(SOURCE)
    return tmp_path
