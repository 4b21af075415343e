"""What commands report of any evidence: claims, checks with reasons, policies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from ccfpy.attestation.steps import Took
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.ports import Attestation
from ccfpy.cli.errors import CommandFailed, no_such_file
from ccfpy.client.attested import EvidenceRefused, Expected
from ccfpy.client.evidence_policy import policy_like, read_policy
from ccfpy.crypto.jwt import TokenKey

_Step = TypeVar("_Step", bound=StrEnum)


class Claim(NamedTuple):
    """One thing that evidence says.

    Attributes:
        name: what it is.
        value: as it is written.
        meaning: in plain words.
    """

    name: str
    value: Json
    meaning: str


class Check(NamedTuple):
    """One thing that was checked.

    Attributes:
        name: the checked condition.
        passed: None if an earlier check failed, so that this check did not run.
        detail: the fault, or the finding.
        why: the consequence if this were not checked.
    """

    name: str
    passed: bool | None
    detail: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of evidence, with what came beside it.

    Attributes:
        label: whose it is, for people.
        format: as nodes' records name it, or ``MAA``.
        node_id: of the node it is said to be of.
        key_digest: of the key that this node's TLS showed.
    """

    label: str
    format: str
    quote: bytes
    endorsements: bytes = b""
    uvm_endorsements: bytes | None = None
    endorsed_tcb: str | None = None
    node_id: str | None = None
    key_digest: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a verifier asks for.

    Attributes:
        now_s: when evidence must hold, seconds since 1970.
        at_collateral: whether the time at which collateral was gathered counts instead.
        measurements: the accepted ones, in hex; any if empty.
        host_data: the accepted values, in hex; any if empty.
        policy: what a client demands before it sends anything; nothing if not said.
        maa_issuer: whose tokens are believed.
        maa_keys: by which keys.
    """

    now_s: int
    at_collateral: bool = False
    measurements: frozenset[str] = frozenset()
    host_data: frozenset[str] = frozenset()
    policy: "Expected | None" = None
    takes_debugged: bool = False
    takes_stale: bool = False
    takes_virtual: bool = False
    maa_issuer: str | None = None
    maa_keys: Mapping[str, TokenKey] = field(default_factory=dict)


class Kind(Protocol):
    """How to report one kind of evidence."""

    @property
    def summary(self) -> str:
        """Say what it is, in one line."""
        ...

    def claims(self, piece: Piece) -> list[Claim]:
        """Return what the evidence claims; nothing is verified.

        Raises:
            Malformed: it is no such evidence.
        """
        ...

    def checks(self, piece: Piece, wanted: Wanted) -> list[Check]:
        """Verify it, and report each step."""
        ...


def run(reasons: Mapping[_Step, str], verify: Callable[[Took], object]) -> list[Check]:
    """Verify, and report how far the verification came.

    Args:
        reasons: every step, in order, and why it matters.
        verify: raises what is wrong; reports each step that it took.
    """
    taken: list[str] = []
    failure: str | None = None
    try:
        verify(taken.append)
    except CcfpyError as error:
        failure = str(error)
    checks = []
    for place, (step, why) in enumerate(reasons.items()):
        if place < len(taken):
            checks.append(Check(step.value, True, "", why))
        elif place == len(taken) and failure is not None:
            checks.append(Check(step.value, False, failure, why))
        else:
            checks.append(Check(step.value, None, "", why))
    return checks


def allowed(checks: list[Check], name: str, option: str) -> list[Check]:
    """Return a check that an option skipped."""
    return [
        check._replace(detail=f"not asked for ({option})")
        if check.name == name and check.passed
        else check
        for check in checks
    ]


def holds(checks: Sequence[Check]) -> bool:
    """Return whether every check passed."""
    return all(check.passed for check in checks)


def expected(name: str, found: str | None, taken: frozenset[str]) -> list[Check]:
    """Check that a value is among the accepted ones; no check if none is named."""
    if not taken:
        return []
    passed = found is not None and found.lower() in taken
    detail = "" if passed else f"{found} is none that --{name.replace(' ', '-')} names"
    why = f"Sound hardware runs anything: only the {name} tells that it is this."
    return [Check(f"expected {name}", passed, detail, why)]


def bound_key(piece: Piece, report_data: bytes) -> list[Check]:
    """Check the report data against the node's id and the key that it showed."""
    checks = []
    said = report_data.hex()
    if piece.node_id is not None:
        passed = said == piece.node_id
        detail = "" if passed else f"it is bound to {said}, not to {piece.node_id}"
        why = "A node's id is the digest of its key: other evidence is another's."
        checks.append(Check("node key", passed, detail, why))
    if piece.key_digest is not None:
        passed = report_data == piece.key_digest
        detail = "" if passed else "the node's TLS certificate is for another key"
        why = "Who shows evidence must hold its key, or could have copied it."
        checks.append(Check("TLS key", passed, detail, why))
    return checks


def moment(unix_time_s: int) -> str:
    """Write a time."""
    try:
        return datetime.fromtimestamp(unix_time_s, UTC).isoformat()
    except (ValueError, OverflowError):
        return str(unix_time_s)


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
