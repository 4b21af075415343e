"""``ccfpy attest``: evidence of what nodes run on, told in plain words and verified."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, dumps
from ccfpy.cli.entries import Command, Entry, Table
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.options import with_options
from ccfpy.cli.output import print_json
from ccfpy.cli.place import JsonOption, TrustOptions
from ccfpy.cli.terminal import text_console
from ccfpy.service.tables.nodes import QuoteFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ccfpy.cli.attest_kind import Check, Claim, Kind, Piece, Wanted
    from ccfpy.crypto.jwt import TokenKey


WhatArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="FILE|URL|FOLDER|-",
        help="Evidence: a file, a node's https://HOST:PORT, a ledger's folder, stdin.",
    ),
]
EndorsementsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--endorsements", help="What supports a bare report or quote."),
]
UvmOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--uvm-endorsements", help="COSE: whose release was measured."),
]
ExplainOption: TypeAlias = Annotated[
    bool, typer.Option("--explain", help="Tell each check, and why it matters.")
]
AtOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="When it must hold (default: now): a date, or collateral for when an SGX "
        "quote's was gathered."
    ),
]
MeasurementOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="In hex: a measurement that is taken. Repeatable."),
]
HostDataOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="In hex: host data that is taken. Repeatable."),
]
PolicyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="A file that says what evidence is taken: ccfpy attest policy."),
]
DebugOption: TypeAlias = Annotated[
    bool, typer.Option("--allow-debug", help="Take what the host can look into.")
]
StaleOption: TypeAlias = Annotated[
    bool, typer.Option("--allow-stale", help="Take collateral whose update was due.")
]
VirtualOption: TypeAlias = Annotated[
    bool, typer.Option("--allow-virtual", help="Take what no hardware vouches for.")
]
IssuerOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Whose tokens are believed, by its address.")
]
KeysOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Its keys: what it gives at /certs.")
]


_AT_COLLATERAL = "collateral"


def kinds() -> "Mapping[str, Kind]":
    """Return what is said of each kind of evidence, by its name."""
    from ccfpy.cli.attest_evidence import FORMAT, Maa, Sgx, Simulated, Snp, Virtual

    return {
        QuoteFormat.AMD_SEV_SNP_V1: Snp(),
        QuoteFormat.OE_SGX_V1: Sgx(),
        QuoteFormat.INSECURE_VIRTUAL: Virtual(),
        QuoteFormat.INSECURE_SIMULATED: Simulated(),
        FORMAT: Maa(),
    }


@with_options
def show(  # one parameter for each option
    what: WhatArgument,
    *,
    endorsements: EndorsementsOption = None,
    uvm: UvmOption = None,
    trust: TrustOptions,
    json: JsonOption = False,
) -> None:
    """Say what evidence claims, in plain words; nothing of it is verified."""
    pieces = _gather(what, endorsements, uvm, trust.cacert or _usual(trust.common))
    told = []
    for piece in pieces:
        kind = _kind(piece)
        claims = _claims(kind, piece)
        if json:
            told.append(_as_json(kind, piece, claims))
        else:
            _print_claims(kind, piece, claims)
    if json:
        print_json(told[0] if len(told) == 1 else told)


@with_options
def policy(
    what: WhatArgument,
    *,
    endorsements: EndorsementsOption = None,
    uvm: UvmOption = None,
    trust: TrustOptions,
) -> None:
    """Write the policy that takes evidence like this; nothing of it is verified.

    Compare its values with what you built before clients rely on it.
    """
    from ccfpy.cli.attest_kind import policy_of

    pieces = _gather(what, endorsements, uvm, trust.cacert or _usual(trust.common))
    if len(pieces) != 1:
        raise Misused(f"{what} is evidence of {len(pieces)} nodes; name one of them")
    print_json(policy_of(pieces[0]))


@with_options
def verify(  # noqa: PLR0913  # one parameter for each option
    what: WhatArgument,
    *,
    endorsements: EndorsementsOption = None,
    uvm: UvmOption = None,
    explain: ExplainOption = False,
    at: AtOption = None,
    measurement: MeasurementOption = None,
    host_data: HostDataOption = None,
    policy: PolicyOption = None,
    allow_debug: DebugOption = False,
    allow_stale: StaleOption = False,
    allow_virtual: VirtualOption = False,
    maa_issuer: IssuerOption = None,
    maa_keys: KeysOption = None,
    trust: TrustOptions,
    json: JsonOption = False,
) -> None:
    """Verify evidence up to its maker's root; exits with 1 if any of it fails.

    A virtual node's evidence fails: it proves nothing, and says so.
    """
    from ccfpy.cli.attest_kind import Wanted, holds, read_policy_file

    now_s, at_collateral = _moment(at)
    wanted = Wanted(
        now_s=now_s,
        at_collateral=at_collateral,
        measurements=frozenset(m.lower() for m in measurement or ()),
        host_data=frozenset(h.lower() for h in host_data or ()),
        policy=None if policy is None else read_policy_file(policy),
        takes_debugged=allow_debug,
        takes_stale=allow_stale,
        takes_virtual=allow_virtual,
        maa_issuer=maa_issuer,
        maa_keys={} if maa_keys is None else _keys(maa_keys),
    )
    failed, told = 0, []
    for piece in _gather(what, endorsements, uvm, trust.cacert or _usual(trust.common)):
        kind = _kind(piece)
        claims = _claims(kind, piece)
        checks = _checks(kind, piece, wanted)
        failed += not holds(checks)
        if json:
            told.append(_as_json(kind, piece, claims, checks, explain=explain))
            continue
        if explain:
            _print_claims(kind, piece, claims)
        _print_checks(piece, checks, explain=explain)
    if json:
        print_json(told[0] if len(told) == 1 else told)
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _checks(kind: "Kind", piece: "Piece", wanted: "Wanted") -> "list[Check]":
    from ccfpy.cli.attest_evidence import FORMAT as MAA
    from ccfpy.cli.attest_kind import policy_checks

    if piece.format == MAA and (wanted.maa_issuer is None or not wanted.maa_keys):
        raise Misused("a token needs --maa-issuer and --maa-keys to be verified")
    try:
        return [*kind.checks(piece, wanted), *policy_checks(piece, wanted)]
    except CcfpyError as error:
        raise CommandFailed(f"{piece.label}: {error}") from error


def _gather(
    what: str, endorsements: Path | None, uvm: Path | None, cacert: Path | None
) -> "list[Piece]":
    from ccfpy.cli.attest_input import gather

    try:
        return gather(
            what,
            cacert=cacert,
            endorsements=b"" if endorsements is None else _file(endorsements),
            uvm=None if uvm is None else _file(uvm),
        )
    except Malformed as error:
        raise CommandFailed(f"{what}: {error}") from error


def _usual(common: Path) -> Path | None:
    from ccfpy.client.keys import SERVICE_CERTIFICATE

    certificate = common / SERVICE_CERTIFICATE
    return certificate if certificate.is_file() else None


def _kind(piece: "Piece") -> "Kind":
    kind = kinds().get(piece.format)
    if kind is None:
        raise CommandFailed(
            f"{piece.label}: evidence of no known form {piece.format!r}"
        )
    return kind


def _claims(kind: "Kind", piece: "Piece") -> "list[Claim]":
    try:
        return kind.claims(piece)
    except CcfpyError as error:
        raise CommandFailed(f"{piece.label} holds no evidence: {error}") from error


def _moment(text: str | None) -> tuple[int, bool]:
    from ccfpy.crypto.certs import parse_time

    now_s = int(time.time())
    if text is None:
        return now_s, False
    if text == _AT_COLLATERAL:
        return now_s, True
    try:
        return int(parse_time(text).timestamp()), False
    except (Malformed, OverflowError) as error:
        raise Misused(f"--at {text!r} is no date, such as 2025-06-15") from error


def _keys(path: Path) -> "Mapping[str, TokenKey]":
    from ccfpy.client.maa import keys_of

    try:
        return keys_of(_file(path))
    except Malformed as error:
        raise CommandFailed(f"{path} holds no keys of an issuer: {error}") from error


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise no_such_file(str(path), error) from error


def _as_json(
    kind: "Kind",
    piece: "Piece",
    claims: "Sequence[Claim]",
    checks: "Sequence[Check] | None" = None,
    *,
    explain: bool = False,
) -> dict[str, object]:
    from ccfpy.cli.attest_kind import holds

    told: dict[str, object] = {
        "evidence": piece.label,
        "format": piece.format,
        "summary": kind.summary,
        "claims": {claim.name: claim.value for claim in claims},
    }
    if checks is not None:
        told["verified"] = holds(checks)
        told["checks"] = [
            {
                "name": check.name,
                "passed": check.passed,
                **({"detail": check.detail} if check.detail else {}),
                **({"why": check.why} if explain else {}),
            }
            for check in checks
        ]
    return told


def _print_claims(kind: "Kind", piece: "Piece", claims: "Sequence[Claim]") -> None:
    console = text_console()
    console.say(f"{piece.label}: {kind.summary} ({piece.format})")
    width = max(len(claim.name) for claim in claims)
    for claim in claims:
        console.say(f"  {claim.name:{width}}  {_shown(claim.value)}")
        console.say(f"  {'':{width}}  {claim.meaning}")


def _shown(value: Json) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return str(value)
        case None:
            return "not said"
        case _:
            return dumps(value).decode()


def _print_checks(piece: "Piece", checks: "Sequence[Check]", *, explain: bool) -> None:
    from ccfpy.cli.attest_kind import holds

    console = text_console()
    words = {True: "passed", False: "FAILED", None: "not reached"}
    for check in checks:
        if not explain and check.passed is not False:
            continue
        detail = f": {check.detail}" if check.detail else ""
        console.say(f"  {words[check.passed]:11} {check.name}{detail}")
        if explain:
            console.say(f"              {check.why}")
    verdict = "verified" if holds(checks) else "not to be relied on"
    console.say(f"{piece.label}: {verdict}")


def _maa_mock() -> Command:
    from ccfpy.cli.attest_mock import maa_mock

    return maa_mock


attest: Table = {
    "maa-mock": Entry(
        "Issue tokens for evidence, as Azure does; they are worth nothing elsewhere.",
        _maa_mock,
    ),
    "policy": Entry(
        "Write the policy that takes evidence like this; nothing of it is verified.",
        lambda: policy,
    ),
    "show": Entry(
        "Say what evidence claims, in plain words; nothing of it is verified.",
        lambda: show,
    ),
    "verify": Entry(
        "Verify evidence up to its maker's root; exits with 1 if any of it fails.",
        lambda: verify,
    ),
}
