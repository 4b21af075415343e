"""Files that commands read, among them stdin by the name ``-``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError
from ccfpy.cli.errors import CommandFailed, no_such_file

if TYPE_CHECKING:
    from ccfpy.crypto.certs import Certificate

STDIN = "-"


def read_input(path: str | Path) -> bytes:
    """Return the bytes of a file, or of stdin if the path is ``-``.

    Raises:
        CommandFailed: the file cannot be read.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise no_such_file(str(path), error) from error


def read_certificate(file: Path) -> "Certificate":
    """Return the certificate of a service.

    Raises:
        CommandFailed: the file cannot be read, or has no certificate.
    """
    from ccfpy.client.keys import read_text
    from ccfpy.crypto.certs import Certificate

    try:
        return Certificate.from_pem(read_text(file))
    except CcfpyError as error:
        raise CommandFailed(
            f"no service's certificate: {error}; name it with --cacert"
        ) from error
