"""What came back of a request that a person filled in, as the page shows it.

A text is shown as it came, as far as a person can see its characters. JSON is indented
only if that changes no value.
"""

import codecs
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from ccfpy.client.reply import Reply
from ccfpy.client.review.characters import inline, plain
from ccfpy.console.answers import Stated
from ccfpy.console.call_answers import CallAnswer, CallStanding
from ccfpy.console.calls import VALUE_CHARACTERS_MAX
from ccfpy.crypto.hashing import sha256_hex

SHOWN_MAX: Final = 256 * 1024
"""Bytes of an answer's body that are read for the page, and characters shown of it."""
_JSON: Final = "json"


def answer_of(reply: Reply) -> CallAnswer:
    """Describe what came back."""
    text, left_out = _shown(reply)
    txid = reply.txid
    return CallAnswer(
        status=reply.status,
        is_good=not reply.is_error,
        words=_words(reply.status),
        headers=tuple(
            Stated(name=inline(name), value=inline(value[:VALUE_CHARACTERS_MAX]))
            for name, value in reply.headers.items()
        ),
        text=text,
        left_out=left_out,
        txid=None if txid is None else str(txid),
    )


def standing_of(status: str) -> CallStanding:
    """Return in words what a node says of a transaction."""
    match status:
        case "Committed":
            words = "committed: no failure of nodes can take it back"
        case "Pending":
            words = "pending: applied, and not yet on a majority of nodes"
        case "Invalid":
            words = (
                "invalid: it was lost when another node took the lead; send it again"
            )
        case "Unknown":
            words = "not yet known to the node that was asked"
        case _:
            words = f"in a state that this console does not know: {inline(status[:64])}"
    return CallStanding(
        words=words,
        is_good=status != "Invalid",
        is_final=status in ("Committed", "Invalid"),
    )


def _words(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "a status that HTTP does not name"
    return f"{status} {phrase}: {_meaning(status)}"


def _meaning(status: int) -> str:
    match status // 100:
        case _ if status == HTTPStatus.ACCEPTED:
            return "not ready yet; send the request again a little later"
        case 2:
            return "the service answered"
        case 3:
            return "the answer is elsewhere, and the console did not follow"
        case 4:
            return "the service refused the request"
        case _:
            return "the service failed"


def _shown(reply: Reply) -> tuple[str, str]:
    """Return the body as a text that can be shown, and what is left out of it."""
    body, size = reply.body[:SHOWN_MAX], len(reply.body)
    try:
        # The last character may have been cut.
        text = codecs.getincrementaldecoder("utf-8")().decode(body, size <= SHOWN_MAX)
    except UnicodeDecodeError:
        return "", (
            f"{size:,} bytes that are no text, with the SHA-256 digest "
            f"{sha256_hex(reply.body)}"
        )
    if size <= SHOWN_MAX and _JSON in reply.headers.get("content-type", ""):
        text = _indented(text)
    shown = plain(text)
    if size > SHOWN_MAX:
        return shown[:SHOWN_MAX], f"all but the first {SHOWN_MAX:,} of {size:,} bytes"
    if len(shown) > SHOWN_MAX:
        return shown[:SHOWN_MAX], f"what follows the first {SHOWN_MAX:,} characters"
    return shown, ""


def _indented(text: str) -> str:
    """Return JSON with a value on each line; the text as it came where that differs."""
    try:
        # Not our own reader, for which a number of twenty digits is a rounded one.
        value = json.loads(
            text,
            object_pairs_hook=_named,
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_no_constant,
        )
        writer = json.JSONEncoder(indent=2, ensure_ascii=False)
        made: list[str] = []
        length = 0
        for chunk in writer.iterencode(value):
            made.append(chunk)
            length += len(chunk)
            if length > SHOWN_MAX:
                break
    except (ValueError, RecursionError):
        return text
    return "".join(made)


def _named(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return an object; one that has a name twice would lose a value."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is there twice")
    return made


def _whole(text: str) -> int:
    """Return a number that is written again as it came."""
    if str(made := int(text)) != text:
        raise ValueError("a number would be written otherwise")
    return made


def _fraction(text: str) -> float:
    """Return a number that is written again as it came."""
    if repr(made := float(text)) != text:
        raise ValueError("a number would be written otherwise")
    return made


def _no_constant(_: str) -> None:
    raise ValueError("JSON has no such number")
