"""An application in two versions: it keeps texts, and makes evidence for its
callers."""

VERSIONS = (1, 2)

SOURCE = '''
"""Version {version}."""

from ccfpy.app import STRING, App, Context, Json, Map

app = App("notes")
NOTES = Map("notes", STRING, STRING)


@app.put("/notes/{{name}}", status=200)
def put_note(ctx: Context, name: str) -> str:
    """Keep a text."""
    NOTES.of(ctx.tx).put(name, ctx.request.body.decode())
    return name


@app.get("/notes/{{name}}")
def get_note(ctx: Context, name: str) -> str:
    """Give it back."""
    return NOTES.of(ctx.tx).get(name) or ""


@app.get("/version")
def get_version(ctx: Context) -> int:
    """Say which code answers."""
    return {version}


@app.get("/evidence")
def get_evidence(ctx: Context) -> Json:
    """Have the platform vouch for the caller's nonce."""
    made = ctx.evidence((ctx.query.get("nonce") or "").encode())
    return {{
        "format": made.format,
        "quote": made.quote.hex(),
        "endorsements": made.endorsements.hex(),
    }}
'''


def source(version: int) -> str:
    """Return a version's code."""
    return SOURCE.format(version=version)
