"""What schemathesis is told beside a document; runs on schemathesis' own Python.

``WHO`` in the environment is a JSON object: who calls, and which ids exist. A document
cannot say that a body is to be signed, nor which members there are; everything else is
generated from the document alone.
"""

# mypy: disable-error-code="untyped-decorator"

import json
import os
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ccf.cose  # type: ignore[import-not-found]
import schemathesis  # type: ignore[import-not-found]

_WHO: dict[str, Any] = json.loads(os.environ["WHO"])
_IDS: dict[str, list[str]] = _WHO["ids"]
"""Path parameters, each with values that exist."""
_KEY, _CERTIFICATE = (
    Path(_WHO[name]).read_text() if name in _WHO else None
    for name in ("signing_key", "signing_certificate")
)

COSE_TYPE = "application/cose"
PRECONDITION_FAILED = 412
MESSAGE_TYPES = {
    "proposals": "proposal",
    "proposals:create": "proposal",
    "ballots": "ballot",
    ":submit": "ballot",
    "withdraw": "withdrawal",
    ":withdraw": "withdrawal",
    "ack": "ack",
    ":ack": "ack",
    "update_state_digest": "state_digest",
    ":update": "state_digest",
    "recovery_share": "recovery_share",
    ":recover": "recovery_share",
}
"""What a signed request is about, by the end of its path."""

ABOUT_THE_STATE = {
    "InvalidMembership": "only some members may do this",
    "NodeNotRetiredCommitted": "the node is in use",
    "ProposalFailedToValidate": "the constitution says which actions there are",
    "ProposalNotOpen": "the proposal was decided meanwhile",
    "ProposalReplay": "the proposal was there already",
    "StateDigestMismatch": "a digest must be today's",
    "TransactionPendingOrUnknown": "the transaction is not committed",
}
"""Refusals of valid data that no document can foresee, each with its reason."""
ANSWERED_BY_SIGNING = {
    "AcceptedNegativeData": "what was generated was replaced, or is inside a signature",
    "IgnoredAuth": "no header proves anything where the body is signed",
}
"""What is not asked of requests that are signed here."""
CCFS_SERVER_ERRORS = {
    "Failed to execute validation": "CCF's tests expect 500 of a proposal that is no "
    "JSON, which the constitution finds out",
    "Failed to parse COSE_Sign1": "CCF's tests expect 500 of a user's body",
}
MESSAGES = {
    "Cannot record an empty log message": "CCF's sample says of its texts no more than "
    "that they are texts",
}
"""Refusals of valid data by a sample, which stands in for any application."""
WORDS_WITHOUT_SCHEMA = {
    "/app/log/private/historical/handle": "a handle needs a committed seqno",
    "/app/log/public/historical/range": "a range must end after its start",
    "/app/log/private/historical/sparse": "seqnos stand in one text, in order",
}
"""Endpoints whose parameters depend on one another, which OpenAPI cannot say."""


def _body_of(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    data = getattr(value, "data", None)
    return data if isinstance(data, bytes) else str(value).encode(errors="replace")


@schemathesis.serializer(COSE_TYPE)
def _as_it_stands(_: Any, value: Any) -> Any:  # noqa: ANN401 - schemathesis' own types
    return _body_of(value)


@schemathesis.hook
def map_path_parameters(_: Any, path_parameters: Any) -> Any:  # noqa: ANN401 - schemathesis' own types
    """Name what exists in half of all requests; nothing is found by chance."""
    if not path_parameters:
        return path_parameters
    named = dict(path_parameters)
    for name, known in _IDS.items():
        given = named.get(name)
        if isinstance(given, str) and known:
            chance = zlib.crc32(given.encode(errors="replace"))
            if chance % 2:
                named[name] = known[chance // 2 % len(known)]
    return named


@schemathesis.hook
def before_call(_: Any, case: Any, _kwargs: dict[str, Any]) -> None:  # noqa: ANN401 - schemathesis' own types
    """Sign the body where the caller signs and the operation takes what is signed."""
    if _KEY is None or not _is_signed(case):
        return
    generated = case.as_transport_kwargs().get("data") or b""
    json_body = case.as_transport_kwargs().get("json")
    if json_body is not None:
        generated = json.dumps(json_body).encode()
    case.body = _sign(case, _body_of(generated))
    case.media_type = COSE_TYPE
    case.headers = {**(case.headers or {}), "Content-Type": COSE_TYPE}


def _is_signed(case: Any) -> bool:  # noqa: ANN401 - schemathesis' own types
    if case.method.upper() != "POST":
        return False
    policies = case.operation.definition.raw.get("x-ccfpy-policies", [])
    return any("cose_sign1" in policy for policy in policies)


def _sign(case: Any, generated: bytes) -> bytes:  # noqa: ANN401 - schemathesis' own types
    end = case.operation.path.rpartition("/")[2]
    kind = MESSAGE_TYPES.get(end) or MESSAGE_TYPES.get(":" + end.rpartition(":")[2])
    header: dict[str, object] = {
        "ccf.gov.msg.created_at": int(datetime.now(UTC).timestamp())
    }
    if kind is not None:
        header["ccf.gov.msg.type"] = kind
    given = case.path_parameters or {}
    proposal = given.get("proposalId", given.get("proposal_id"))
    if proposal is not None:
        header["ccf.gov.msg.proposal_id"] = str(proposal)
    payload = _payload(kind, generated) if kind else generated
    signed: bytes = ccf.cose.create_cose_sign1(payload, _KEY, _CERTIFICATE, header)
    return signed


def _payload(kind: str, generated: bytes) -> bytes:
    """Return a payload: what such a message holds in two of three requests."""
    contents = {
        "proposal": {
            "actions": [
                {
                    "name": "set_member_data",
                    "args": {
                        "member_id": _IDS["memberId"][0],
                        "member_data": generated.hex()[:64],
                    },
                }
            ]
        },
        "ballot": {"ballot": "export function vote (p, id) { return false }"},
        "ack": {"memberId": _IDS["memberId"][0], "stateDigest": "0" * 64},
        "recovery_share": {"share": ""},
    }
    if zlib.crc32(generated) % 3 and kind in contents:
        return json.dumps(contents[kind]).encode()
    return generated


@schemathesis.hook
def filter_failure(_: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ANN401 - schemathesis' own types
    """Drop what is no failure, each kind for the reason that stands in a table here."""
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        return not _is_foreseen(case, response)
    if kind in ANSWERED_BY_SIGNING:
        return _KEY is None or not _is_signed(case)
    if kind == "ServerError":
        return not any(text in response.text for text in CCFS_SERVER_ERRORS)
    return True


def _is_foreseen(case: Any, response: Any) -> bool:  # noqa: ANN401 - schemathesis' own types
    try:
        error = response.json()["error"]
        code, message = error["code"], error["message"].removesuffix(".")
    except (KeyError, TypeError, ValueError):
        code = message = None
    is_signed = _is_signed(case)  # no schema says what is inside
    return (
        response.status_code == PRECONDITION_FAILED
        or code in ABOUT_THE_STATE
        or message in MESSAGES
        or case.operation.path in WORDS_WITHOUT_SCHEMA
        or (is_signed and response.status_code in (400, 401, 403))
    )
