"""The application itself, and what it keeps."""

from ccfpy.app import RAW, App, Blobs, SeqnosByKey, Value

VERSION = "0.1.0"

app = App(
    "scitt",
    title="SCITT transparency service",
    version=VERSION,
    description="Registers signed statements, and proves that it did (SCRAPI).",
)

ENTRY = Value("public:scitt.entry", RAW)
"""The statement that a transaction registered."""


@app.index
def entries_by_seqno(_: Blobs) -> SeqnosByKey[None]:
    """Keep which transactions registered a statement."""
    return SeqnosByKey.of_value(ENTRY)
