"""What is imported late by others, imported now: soon no file can be read.

Python's own library and those written in C import modules when a function is first
called. Afterwards that fails as if there were no such module.
"""

import importlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

LATE: Final[Sequence[str]] = (
    # Codecs are looked up by name when first used.
    *(
        f"encodings.{name}"
        for name in (
            *("ascii", "latin_1", "iso8859_1", "iso8859_15", "cp1252", "utf_8"),
            *("utf_8_sig", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be"),
            *("utf_32_le", "utf_7", "idna", "punycode", "unicode_escape"),
            *("raw_unicode_escape", "charmap", "hex_codec", "base64_codec"),
        )
    ),
    "unicodedata",  # names of characters, and domain names
    "stringprep",  # domain names
    "_strptime",  # datetime.strptime
    "locale",  # the same
    "tokenize",  # a traceback's lines
    "textwrap",  # a traceback's notes
    "ipaddress",  # cryptography, for certificates
    "pprint",  # dataclasses and enumerations in messages
    "bisect",
    "heapq",
    "statistics",
    "decimal",
    "fractions",
    "uuid",
    "zlib",
    "gzip",
    "base64",
    "binascii",
    "difflib",  # suggestions in error messages
    "ast",
    "inspect",
)


def preload() -> None:
    """Import all of it that this Python has."""
    for name in LATE:
        with suppress(ImportError):
            importlib.import_module(name)
