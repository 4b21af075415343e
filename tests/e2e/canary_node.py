"""A host that records every byte between itself and a real enclave process.

``canary_node.py FOLDER OPTION...``: the options are those of ``ccfpy node``, also
``--enclave in-process``. The folder receives the record and the keys in escrow.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.host.enclave_link import ProcessLink
from ccfpy.host.enclave_process import PipeEnds
from ccfpy.host.main import run

ENCLAVE = Path(__file__).with_name("canary_enclave.py")


def recording_link(app: str, folder: Path, record: BinaryIO) -> ProcessLink:
    """Return the link that ships, with a tap on both sides."""
    link = ProcessLink(
        app, command=lambda app, ends: _command(app, ends, folder / "escrow")
    )
    encode, decode = link._encode, link._decode

    def encode_and_record(events: Sequence[Event]) -> bytes:
        frame = encode(events)
        record.write(frame)
        return frame

    def record_and_decode(body: bytes) -> list[Effect]:
        record.write(body)
        return decode(body)

    link._encode, link._decode = encode_and_record, record_and_decode
    return link


def _command(app: str, ends: PipeEnds, escrow: Path) -> list[str]:
    flags = ["-P", "-s", "-W", "ignore"]
    words = [str(ENCLAVE), app, *map(str, ends), str(escrow)]
    return [sys.executable, *flags, *words]


def main(folder: Path, words: list[str]) -> int:
    """Run the node until it ends."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--app", required=True)
    known, options = parser.parse_known_args(words)
    with (folder / "record").open("wb", buffering=0) as record:
        raw = cast("BinaryIO", record)
        return run(
            known.app,
            options,
            in_process=lambda name: recording_link(name, folder, raw),
            executable=Path(__file__),
        )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
