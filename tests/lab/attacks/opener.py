"""An application that keeps a way out: a descriptor and a shared mapping of a file.

Both are made when the module is imported, before the process is isolated. What is
written to the mapping later can be read in the file.
"""

import mmap
import os
import tempfile

from ccfpy.app import App, Context

app = App("opener", auth=[])

SIZE_BYTES = 4096
PATH = f"{tempfile.gettempdir()}/ccfpy-way-out-{os.getppid()}"
IS_DESCRIPTOR = os.environ.get("CCFPY_WAY_OUT") != "mapping"


def _open() -> mmap.mmap:
    descriptor = os.open(PATH, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.ftruncate(descriptor, SIZE_BYTES)
    mapping = mmap.mmap(descriptor, SIZE_BYTES)
    os.unlink(PATH)  # noqa: PTH108  # as short as may be
    if not IS_DESCRIPTOR:
        os.close(descriptor)
    return mapping


OUT = _open()


@app.get("/tell/{secret}")
def tell(ctx: Context, secret: str) -> bool:
    """Write a secret where others can read it."""
    del ctx
    OUT[: len(secret)] = secret.encode()
    return True
