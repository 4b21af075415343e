"""Refusing a signed proposal that was sent before.

Recent proposals are remembered by their time of creation and signature. A new one must
not be among them, nor be older than the middle one: what fell out of the window is then
too old. Times are the members' own and only compared with each other; as ten digits of
text they sort as numbers (``src/node/gov/handlers/proposals.h``).
"""

from ccfpy.base.ids import ProposalId
from ccfpy.base.limits import CREATED_AT_MAX_S, RECENT_COSE_PROPOSALS
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.kv.tx import Tx
from ccfpy.service.tables.proposals import COSE_RECENT_PROPOSALS
from ccfpy.service.tables.service import CONFIGURATION


def admit(
    tx: Tx, *, created_at: int, signature_digest: bytes, proposal_id: ProposalId
) -> None:
    """Remember a proposal's request, unless it is a replay.

    Raises:
        ApiError: 400: its time is beyond ten digits, it was seen, or it is too old.
    """
    if created_at > CREATED_AT_MAX_S:
        raise _refusal(
            ErrorCode.InvalidCreatedAt, "Header parameter created_at value is too large"
        )
    time = f"{created_at:010d}"
    key = f"{time}:{signature_digest.hex()}"
    recent = COSE_RECENT_PROPOSALS.of(tx)
    seen = recent.get(key)
    if seen is not None:
        raise _refusal(
            ErrorCode.ProposalReplay,
            f"Proposal submission replay, already exists as proposal {seen}",
        )
    keys = sorted(recent.keys())
    if keys:
        oldest_allowed, _, _ = keys[len(keys) // 2].partition(":")
        if time < oldest_allowed:
            raise _refusal(
                ErrorCode.ProposalCreatedTooLongAgo,
                "Proposal created too long ago, created_at must be greater than "
                f"{oldest_allowed}",
            )
    recent.put(key, proposal_id)
    for surplus in keys[: max(len(keys) + 1 - _window_size(tx), 0)]:
        recent.remove(surplus)


def _window_size(tx: Tx) -> int:
    configuration = CONFIGURATION.of(tx).get()
    if configuration is None:
        return RECENT_COSE_PROPOSALS
    size = configuration.recent_cose_proposals_window_size
    return RECENT_COSE_PROPOSALS if size is None else size


def _refusal(code: ErrorCode, message: str) -> ApiError:
    return ApiError(400, code, message)
