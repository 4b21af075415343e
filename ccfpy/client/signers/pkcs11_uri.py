"""PKCS#11 URIs (RFC 7512): which key of which token, and where its module is.

``pkcs11:token=members;object=member0?module-path=/usr/lib/softhsm/libsofthsm2.so``

A URI that says something we do not know is refused, for it may mean another key. So is
one with a PIN in it (``pin-value``): what is in a command line, everybody on the
machine can read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

from ccfpy.base.errors import Malformed

SCHEME = "pkcs11:"
_PATH = ("token", "manufacturer", "serial", "model", "object", "id", "type", "slot-id")
_QUERY = ("module-path", "pin-source")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FILE = "file:"
_PRIVATE = ("private", "cert")
"""Types of objects that lead to a private key: itself, and its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Uri:
    """What a URI says; what it does not say may be anything.

    Attributes:
        token: the token's label.
        object: the key's label.
        id: the key's id.
        module: the library that speaks to the token.
        pin_source: the file that holds the PIN.
    """

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    slot_id: int | None = None
    object: str | None = None
    id: bytes | None = None
    module: Path | None = None
    pin_source: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URI.

        Raises:
            Malformed: it is none, says something twice, or something we do not know.
        """
        if text[: len(SCHEME)].lower() != SCHEME:
            raise Malformed(
                f"not a PKCS#11 URI: {text!r}; write pkcs11:token=LABEL;object=LABEL"
            )
        path, _, query = text[len(SCHEME) :].partition("?")
        said = dict(_attributes(path, ";", _PATH) if path else ())
        asked = dict(_attributes(query, "&", _QUERY) if query else ())
        if said.get("type", b"private").decode(errors="replace") not in _PRIVATE:
            raise Malformed("a PKCS#11 URI of something that is no private key")
        module, source = asked.get("module-path"), asked.get("pin-source")
        slot = _text(said, "slot-id")
        if slot is not None and not (slot.isascii() and slot.isdigit()):
            raise Malformed(f"slot-id={slot} in a PKCS#11 URI is no number")
        return cls(
            token=_text(said, "token"),
            manufacturer=_text(said, "manufacturer"),
            serial=_text(said, "serial"),
            model=_text(said, "model"),
            slot_id=None if slot is None else int(slot),
            object=_text(said, "object"),
            id=said.get("id"),
            module=None if module is None else _file(module, "module-path"),
            pin_source=None if source is None else _file(source, "pin-source"),
        )


def _attributes(
    text: str, separator: str, known: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    seen = set()
    for item in text.split(separator):
        name, equals, value = item.partition("=")
        if name == "pin-value":
            raise Malformed(
                "a PIN in a PKCS#11 URI can be read by everybody on this machine: "
                "put it into a file and say pin-source=FILE, or type it when asked"
            )
        if not equals or _NAME.fullmatch(name) is None or _ESCAPE.search(value):
            raise Malformed(f"{item!r} in a PKCS#11 URI: expected NAME=VALUE")
        if name not in known:
            raise Malformed(
                f"{name!r} in a PKCS#11 URI is not understood here: "
                f"use {', '.join(known)}"
            )
        if name in seen:
            raise Malformed(f"{name!r} is in a PKCS#11 URI twice")
        seen.add(name)
        yield name, unquote_to_bytes(value)


def _text(said: dict[str, bytes], name: str) -> str | None:
    value = said.get(name)
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"{name!r} in a PKCS#11 URI is not UTF-8") from error


def _file(value: bytes, name: str) -> Path:
    """Read a path, as such or as a ``file:`` URI of this machine."""
    text = value.decode(errors="replace")
    path = Path(re.sub(r"^//(?=/)", "", text.removeprefix(_FILE)))
    if not path.is_absolute():
        raise Malformed(f"{name}={text} in a PKCS#11 URI must be a file's whole path")
    return path
