"""Finds a secret in any of the forms in which bytes usually travel.

The search looks for each half of a secret, so that it also finds a part of the secret:
raw, in hexadecimal of either case, and in base64 of either alphabet, wherever in the
encoded text the secret begins. Line breaks do not hide a secret, even if JSON writes
them as two characters.
"""

import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PIECE_BYTES_MIN = 12
_BREAKS = (b"\r", b"\n", b"\\r", b"\\n")


def forms(secret: bytes) -> set[bytes]:
    """Return the forms of one secret to search for."""
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
    """Encode for each place in a group of three bytes at which the piece may begin."""
    for before in range(3):
        padded = bytes(before) + piece
        whole = len(padded) // 3 * 3
        # The first group also holds bits of other bytes, and so does the group after
        # the piece.
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
    """Name the secrets in all recent files of the user's home and caches.

    A library may keep its own files there, whatever folders a node was told to use.

    Args:
        secrets: by their names.
        since: the earliest time of a write, in seconds since 1970.
        but: a folder to omit, with its content.
    """
    found: dict[str, set[str]] = {}
    for path in _written_in_home(since, but):
        with suppress(OSError):  # the file has been removed meanwhile
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
