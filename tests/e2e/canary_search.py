"""Finding a secret in any of the forms in which bytes usually travel.

A secret is looked for by its halves, so that a part of it is found too: raw, in
hexadecimal of either case, and in base64 of either alphabet wherever in the encoded
text it begins. Line breaks, also those that JSON writes as two characters, do not hide
it.
"""

import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PIECE_BYTES_MIN = 12
_BREAKS = (b"\r", b"\n", b"\\r", b"\\n")


def forms(secret: bytes) -> set[bytes]:
    """Return what to look for, for one secret."""
    assert len(secret) >= 2 * PIECE_BYTES_MIN, "a short secret is found by chance"
    middle = len(secret) // 2
    pieces = (secret[:middle], secret[middle:])
    return {form for piece in pieces for form in _forms(piece)}


def _forms(piece: bytes) -> Iterator[bytes]:
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    yield from _in_base64(piece)


def _in_base64(piece: bytes) -> Iterator[bytes]:
    """Encode for each place in a group of three at which the piece may begin."""
    for before in range(3):
        padded = bytes(before) + piece
        whole = len(padded) // 3 * 3
        # The first group holds others' bits too; so does whatever is after the whole.
        start = 4 if before else 0
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(padded[:whole])[start:]


def find(data: bytes, secrets: Mapping[str, bytes]) -> set[str]:
    """Name the secrets that are in some bytes."""
    joined = data
    for line_break in _BREAKS:
        joined = joined.replace(line_break, b"")
    return {
        name
        for name, secret in secrets.items()
        if any(form in data or form in joined for form in forms(secret))
    }


def find_in_files(folder: Path, secrets: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Name the secrets in each file of a folder and in the files' names."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        name = str(path.relative_to(folder))
        if hits := find(data + b"\0" + name.encode(), secrets):
            found[name] = hits
    return found


def find_in_home(
    secrets: Mapping[str, bytes], *, since: float, but: Path
) -> dict[str, set[str]]:
    """Name the secrets in what anything wrote to the user's home and caches.

    A library may keep files of its own there, whatever folders a node was given.

    Args:
        secrets: by their names.
        since: when the writing may have begun, in seconds since 1970.
        but: a folder that is left out, with what is in it.
    """
    found: dict[str, set[str]] = {}
    for path in _written_in_home(since, but):
        with suppress(OSError):  # it has gone meanwhile
            if hits := find(path.read_bytes(), secrets):
                found[str(path)] = hits
    return found


def _written_in_home(since: float, but: Path) -> Iterator[Path]:
    caches = os.environ.get("XDG_CACHE_HOME")
    for home in {Path.home(), Path(caches) if caches else Path.home() / ".cache"}:
        for folder, folders, files in os.walk(home):
            here = Path(folder)
            folders[:] = [name for name in folders if here / name != but]
            for path in map(here.joinpath, files):
                with suppress(OSError):
                    if path.is_file() and path.stat().st_mtime >= since:
                        yield path
