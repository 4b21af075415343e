"""An application that keeps a way out: a descriptor and a shared mapping of a file.

Both are made when the module is imported, before the process is isolated. What is
written to the mapping later can be read in the file.
"""

import mmap
import os
import tempfile
from pathlib import Path

from ccfpy.app import App, Context

app = App("opener", auth=[])

SIZE_BYTES = 4096
IS_DESCRIPTOR = os.environ.get("CCFPY_WAY_OUT") != "mapping"


def keep_way_out() -> mmap.mmap:
    """Return a mapping of a file without a name; leave the file open, if asked to."""
    descriptor, path = tempfile.mkstemp(prefix="ccfpy-way-out-")
    os.ftruncate(descriptor, SIZE_BYTES)
    mapping = mmap.mmap(descriptor, SIZE_BYTES)
    Path(path).unlink()
    if not IS_DESCRIPTOR:
        os.close(descriptor)
    return mapping


OUT = keep_way_out()


@app.get("/tell/{secret}")
def tell(ctx: Context, secret: str) -> bool:
    """Write a secret where others can read it."""
    del ctx
    OUT[: len(secret)] = secret.encode()
    return True
