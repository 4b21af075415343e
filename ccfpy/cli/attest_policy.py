"""Policies of evidence in commands: read, written from evidence, checked."""

from pathlib import Path

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.ports import Attestation
from ccfpy.cli.attest_kind import Check, Piece, Wanted
from ccfpy.cli.errors import CommandFailed, no_such_file
from ccfpy.client.attested import EvidenceRefused, Expected
from ccfpy.client.evidence_policy import policy_like, read_policy

_WHY = (
    "Sound hardware runs anything: a client sends nothing to what its policy refuses."
)


def read_policy_file(path: Path) -> Expected:
    """Read a policy.

    Raises:
        CommandFailed: there is no such file, or it is no policy.
    """
    try:
        return read_policy(path.read_bytes())
    except OSError as error:
        raise no_such_file(str(path), error) from error
    except Malformed as error:
        raise CommandFailed(f"{path}: {error}") from error


def policy_of(piece: Piece) -> JsonObject:
    """Return the policy that takes evidence like this.

    Raises:
        CommandFailed: the evidence cannot be read, or proves nothing.
    """
    try:
        return policy_like(_evidence(piece))
    except CcfpyError as error:
        raise CommandFailed(f"{piece.label}: {error}") from error


def policy_checks(piece: Piece, wanted: Wanted) -> list[Check]:
    """Check evidence as a client does; no check if no policy is named."""
    if wanted.policy is None:
        return []
    detail = ""
    try:
        wanted.policy.examine(_evidence(piece), unix_time_s=wanted.now_s)
    except EvidenceRefused as refusal:
        detail = str(refusal)
    return [Check("policy", not detail, detail, _WHY)]


def _evidence(piece: Piece) -> Attestation:
    return Attestation(
        format=piece.format,
        quote=piece.quote,
        endorsements=piece.endorsements,
        uvm_endorsements=piece.uvm_endorsements,
    )
