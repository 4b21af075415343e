"""Whether a statement may be registered: size, form, signer, policy, in this order."""

from typing import Final

from apps.scitt import did_attestedsvc, did_x509, policy
from apps.scitt.configuration import Configuration, Policy, configured
from apps.scitt.did_attestedsvc import Attested
from apps.scitt.did_x509 import DidX509, read_chain
from apps.scitt.problems import Problem, invalid
from apps.scitt.signatures import ALGORITHMS, Algorithm, verify
from apps.scitt.statement import CWT_CLAIMS, X5CHAIN, SignedStatement
from ccfpy.app import Context, Malformed, VerificationFailed

_US_PER_S = 1_000_000
_CRIT_OF_X509: Final = frozenset({X5CHAIN, CWT_CLAIMS})


def check_statement(ctx: Context) -> SignedStatement:
    """Check the statement that a request brings.

    Raises:
        Problem: 400, it may not be registered.
    """
    configuration = configured(ctx)
    _check_size(len(ctx.request.body), configuration)
    try:
        statement = SignedStatement.parse(ctx.request.body)
        attested = check_signer(
            statement,
            configuration.policy or Policy(),
            unix_time_s=ctx.node.unix_time_us // _US_PER_S,
        )
        _check_policy(ctx, configuration, statement, attested)
    except (Malformed, VerificationFailed) as error:
        raise invalid(str(error)) from error
    return statement


def check_signer(
    statement: SignedStatement, rules: Policy, *, unix_time_s: int
) -> Attested | None:
    """Check that the issuer signed; return the evidence of an attested service.

    Raises:
        Malformed: the statement lacks something, or names an unknown issuer.
        VerificationFailed: the issuer did not sign.
    """
    issuer = statement.header.claims.iss
    if issuer is None:
        raise Malformed("the statement names no issuer in its CWT claims")
    if issuer.startswith(f"{did_x509.PREFIX}:"):
        _check_x509(statement, issuer, rules)
        return None
    if issuer.startswith(f"{did_attestedsvc.PREFIX}:"):
        return _check_attested(statement, rules, unix_time_s)
    raise Malformed("the issuer is neither a did:x509 nor a did:attestedsvc")


def _check_x509(statement: SignedStatement, issuer: str, rules: Policy) -> None:
    header = statement.header
    if header.x5chain is None:
        raise Malformed("the statement has no x5chain in its protected header")
    if header.crit is not None and not _CRIT_OF_X509.issuperset(header.crit):
        raise Malformed("crit of a did:x509 may name x5chain and CWT claims alone")
    algorithm = _accepted(statement, rules)
    did = DidX509.parse(issuer)
    chain = read_chain(header.x5chain)
    try:
        key = chain[0].library_certificate.public_key()
    except ValueError as error:
        raise Malformed("the signer's certificate has an unreadable key") from error
    verify(algorithm, key, statement.signature, statement.to_be_signed)
    did.check(chain)


def _check_attested(
    statement: SignedStatement, rules: Policy, unix_time_s: int
) -> Attested:
    header = statement.header
    did_attestedsvc.check_crit(header)
    algorithm = _accepted(statement, rules)
    did_attestedsvc.check_key(header)
    did_attestedsvc.check_issuer(header)
    assert header.attested.cose_key is not None, "it was checked"
    key = header.attested.cose_key.key()
    verify(algorithm, key, statement.signature, statement.to_be_signed)
    return did_attestedsvc.verify(header, unix_time_s=unix_time_s)


def _accepted(statement: SignedStatement, rules: Policy) -> Algorithm:
    number = statement.header.alg
    algorithm = None if number is None else ALGORITHMS.get(number)
    if algorithm is None or not rules.accepts(algorithm.name):
        raise Malformed(f"the algorithm {number} is not accepted")
    return algorithm


def _check_size(size: int, configuration: Configuration) -> None:
    most = configuration.statement_bytes_max
    if size > most:
        raise Problem(
            400, "PayloadTooLarge", f"A statement of {size} bytes, at most {most}"
        )


def _check_policy(
    ctx: Context,
    configuration: Configuration,
    statement: SignedStatement,
    attested: Attested | None,
) -> None:
    rules = configuration.policy
    script = None if rules is None else rules.policy_script
    if script is None:
        raise Problem(
            400, "PolicyFailed", "Policy was not met: members have set no policy"
        )
    policy.check(ctx.node.scripts, script, statement, attested)
