"""What a console answers its page about requests that people fill in, as records."""

from dataclasses import dataclass

from ccfpy.console.answers import Stated


@dataclass(frozen=True, slots=True, kw_only=True)
class CallField:
    """Something that a request names.

    Attributes:
        place: ``path``, ``query`` or ``header``.
        value: an example of what is required; empty for what may be left out.
        about: what the document says of it.
    """

    place: str
    name: str
    is_required: bool
    value: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBody:
    """A body that a request may have.

    Attributes:
        text: an example, or empty.
    """

    media_type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """What is filled in to send one request.

    Attributes:
        sender: as whom the console sends it, in words.
        asks: whether the terminal asks before the request is sent.
        why_not: why it cannot be sent from here; empty if it can.
    """

    verb: str
    path: str
    fields: tuple[CallField, ...]
    bodies: tuple[CallBody, ...]
    sender: str
    asks: bool
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswer:
    """What came of a request.

    Attributes:
        words: what the status says.
        text: of the body, in which what cannot be seen is shown by its number.
        left_out: what of the body is not shown; empty if it is whole.
        txid: the transaction that the request became, or whose state it read.
    """

    status: int
    is_good: bool
    words: str
    headers: tuple[Stated, ...]
    text: str
    left_out: str
    txid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStanding:
    """Whether a transaction is committed.

    Attributes:
        is_final: whether it stays so.
    """

    words: str
    is_good: bool
    is_final: bool
