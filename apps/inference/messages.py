"""What travels around sealed bytes, and what an answer commits to.

A sealed request begins with a header in the clear: the format's version, what the
request is for, the key's version and the model's digest. Both sides derive the keys of
the exchange with the header, so nobody can change it and have the request open.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from ccfpy.app import Malformed, json_codec, sha256

CONTENT_TYPE = "application/vnd.ccfpy.sealed"
VERSION = 1
_HEADER = struct.Struct(">BBQ32s")


class Purpose(IntEnum):
    """What a request is for; the service takes each where it belongs."""

    SCORE = 1
    RECORD = 2
    CONTENT_KEY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands in front of a sealed request.

    Attributes:
        key_version: of the key that it is sealed to.
        model: the digest of the model that it is for.
    """

    purpose: Purpose
    key_version: int
    model: bytes

    def encode(self) -> bytes:
        """Return the bytes, which are the context of the exchange too."""
        return _HEADER.pack(VERSION, self.purpose, self.key_version, self.model)


class Split(NamedTuple):
    """A request's header, its bytes, and the sealed message after it."""

    header: Header
    context: bytes
    sealed: bytes


def split(request: bytes) -> Split:
    """Take a sealed request apart.

    Raises:
        Malformed: it has not the form of one.
    """
    context = request[: _HEADER.size]
    if len(context) < _HEADER.size:
        raise Malformed(f"a sealed request of {len(request)} bytes lacks its header")
    version, purpose, key_version, model = _HEADER.unpack(context)
    if version != VERSION:
        raise Malformed(f"a sealed request of version {version}, not {VERSION}")
    try:
        known = Purpose(purpose)
    except ValueError as error:
        raise Malformed(f"a sealed request for no known purpose: {purpose}") from error
    header = Header(purpose=known, key_version=key_version, model=model)
    return Split(header, context, request[_HEADER.size :])


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The ledger's record of an answer, which only a holder of the answer can check.

    The digests are of a salt and then the content as it was sealed: who shows salt,
    question and answer proves what this model answered; who has not all of them learns
    nothing, not even by guessing.

    Attributes:
        model: the digest of the model, hex as are the others.
        request: of salt and question.
        response: of salt and answer.
    """

    model: str
    request: str
    response: str

    @classmethod
    def of(cls, *, model: str, salt: bytes, question: bytes, answer: bytes) -> "Record":
        """Commit to an exchange."""
        return cls(
            model=model,
            request=sha256(salt + question).hex(),
            response=sha256(salt + answer).hex(),
        )

    def text(self) -> bytes:
        """Return the JSON text whose digest the transaction claims."""
        return RECORD.encode(self)


RECORD = json_codec(Record)
