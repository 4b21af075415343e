"""A host that writes down every byte between itself and a real enclave process.

``canary_node.py FOLDER OPTION...``: the options are those of ``ccfpy node``,
``--enclave in-process`` among them; the folder gets the record and the keys in escrow.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import BinaryIO, cast

from ccfpy.host.enclave_link import ProcessLink
from ccfpy.host.main import run

ENCLAVE = Path(__file__).with_name("canary_enclave.py")


class _Tee:
    """A transport of which all that is written is also recorded."""

    def __init__(self, transport: asyncio.Transport, record: BinaryIO) -> None:
        self._record = record
        self._write = transport.write
        self.abort = transport.abort
        self.set_write_buffer_limits = transport.set_write_buffer_limits

    def write(self, data: bytes) -> None:
        """Record, and send."""
        self._record.write(data)
        self._write(data)


class RecordingLink(ProcessLink):
    """The link that ships, tapped on both sides."""

    def __init__(self, app: str, folder: Path, record: BinaryIO) -> None:
        escrow = folder / "escrow"
        super().__init__(app, command=lambda app, fd: _command(app, fd, escrow))
        self._record = record

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the tap between."""
        tee = _Tee(cast("asyncio.Transport", transport), self._record)
        super().connection_made(cast("asyncio.Transport", tee))

    def data_received(self, data: bytes) -> None:
        """Record, and go on."""
        self._record.write(data)
        super().data_received(data)


def _command(app: str, descriptor: int, escrow: Path) -> list[str]:
    flags = ["-P", "-s", "-W", "ignore"]
    words = [str(ENCLAVE), app, str(descriptor), str(escrow)]
    return [sys.executable, *flags, *words]


def main(folder: Path, words: list[str]) -> int:
    """Run the node to its end."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--app", required=True)
    known, options = parser.parse_known_args(words)
    with (folder / "record").open("wb", buffering=0) as record:
        raw = cast("BinaryIO", record)
        return run(
            known.app,
            options,
            in_process=lambda name: RecordingLink(name, folder, raw),
            executable=Path(__file__),
        )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
