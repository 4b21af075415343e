"""Whom a did:x509 names, by which certificates."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from apps.scitt.did_x509 import DidX509, check_chain, read_chain
from apps.scitt.limits import DID_CHARS_MAX, DID_POLICIES_MAX
from ccfpy.app import Malformed, VerificationFailed
from tests.apps.scitt_kit import EKU, LEAF, Issuer, authority, certify, issuer, key_for

FULCIO = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
RICH = (
    *LEAF,
    (
        x509.SubjectAlternativeName(
            [
                x509.RFC822Name("bob@example.com"),
                x509.DNSName("example.com"),
                x509.UniformResourceIdentifier("https://example.com/path"),
            ]
        ),
        False,
    ),
    (x509.UnrecognizedExtension(FULCIO, b"https://issuer.example/x"), False),
)


@cache
def rich() -> Issuer:
    return issuer(leaf=RICH)


def check(did: str, of: Issuer) -> None:
    DidX509.parse(did).check(read_chain(of.x5chain))


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("at", [1, 2])
def test_any_authority_of_the_chain_may_be_pinned(hash_name: str, at: int) -> None:
    check(rich().named(f"eku:{EKU}", hash_name=hash_name, at=at), rich())


@pytest.mark.parametrize(
    "policies",
    [
        f"eku:{EKU}",
        "subject:CN:Signer",
        "subject:CN:Signer:O:Acme%20%26%20Co",
        "subject:2.5.4.3:Signer",
        "san:email:bob%40example.com",
        "san:dns:example.com",
        "san:uri:https%3A%2F%2Fexample.com%2Fpath",
        "fulcio-issuer:issuer.example%2Fx",
        f"eku:{EKU}::subject:CN:Signer::san:dns:example.com",
    ],
)
def test_a_policy_that_the_certificate_holds_is_met(policies: str) -> None:
    check(rich().named(policies), rich())


@pytest.mark.parametrize(
    "policies",
    [
        "eku:1.2.3",
        "subject:CN:Other",
        "subject:CN:Signer:O:Acme",
        "subject:L:Here",
        "san:email:example.com",
        "san:dns:other.example",
        "san:uri:example.com",
        "fulcio-issuer:issuer.example",
        f"eku:{EKU}::san:dns:other.example",
    ],
)
def test_a_policy_that_it_does_not_hold_is_not(policies: str) -> None:
    with pytest.raises(VerificationFailed):
        check(rich().named(policies), rich())


DIGEST = "A" * 43


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did:x509",
        "did:web:example.com",
        f"did:x509:0:sha256:{DIGEST}",
        f"did:x509:1:sha256:{DIGEST}::eku:{EKU}",
        f"did:x509:0:sha1:{DIGEST}::eku:{EKU}",
        f"did:x509:0:sha256:::eku:{EKU}",
        f"did:x509:0:sha256:{DIGEST}::",
        f"did:x509:0:sha256:{DIGEST}::eku",
        f"did:x509:0:sha256:{DIGEST}::eku:text",
        f"did:x509:0:sha256:{DIGEST}::unknown:1",
        f"did:x509:0:sha256:{DIGEST}::subject:CN",
        f"did:x509:0:sha256:{DIGEST}::subject:CN:a:CN:b",
        f"did:x509:0:sha256:{DIGEST}::subject:XX:a",
        f"did:x509:0:sha256:{DIGEST}::subject:9.9.9:a",
        f"did:x509:0:sha256:{DIGEST}::subject:CN:a b",
        f"did:x509:0:sha256:{DIGEST}::subject:CN:%2",
        f"did:x509:0:sha256:{DIGEST}::subject:CN:%FF",
        f"did:x509:0:sha256:{DIGEST}::san:ip:1",
        f"did:x509:0:sha256:{DIGEST}" + f"::eku:{EKU}" * (DID_POLICIES_MAX + 1),
        f"did:x509:0:sha256:{DIGEST}::san:dns:" + "a" * DID_CHARS_MAX,
    ],
)
def test_what_is_no_identifier_is_refused(did: str) -> None:
    with pytest.raises(Malformed):
        DidX509.parse(did)


def test_it_may_have_as_many_policies_as_the_bound() -> None:
    check(rich().named("::".join([f"eku:{EKU}"] * DID_POLICIES_MAX)), rich())


def test_neither_the_signer_nor_a_stranger_is_an_authority() -> None:
    for did in (rich().named(f"eku:{EKU}", at=0), issuer().did):
        with pytest.raises(VerificationFailed, match="not in x5chain"):
            check(did, rich())


def _forged() -> Issuer:
    """Certify a signer in the name of an authority, by another key."""
    honest = issuer()
    leaf = certify(
        [(NameOID.COMMON_NAME, "Signer")],
        key_for("ES256"),
        issuer=(honest.chain[1], key_for("ES384")),
        extensions=LEAF,
    )
    return replace(honest, chain=(leaf, *honest.chain[1:]))


def _usage(**allowed: bool) -> tuple[x509.ExtensionType, bool]:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment"),
        *("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
        *("encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names}), True


def _constrained() -> tuple[x509.ExtensionType, bool]:
    names = x509.NameConstraints([x509.DNSName("example.com")], None)
    return names, False


def _odd(*, critical: bool) -> tuple[x509.ExtensionType, bool]:
    oid = x509.ObjectIdentifier("1.2.3.4")
    return x509.UnrecognizedExtension(oid, b"\x05\x00"), critical


BROKEN: dict[str, Callable[[], Issuer]] = {
    "nobody above the signer": lambda: replace(issuer(), chain=issuer().chain[:1]),
    "an authority lacks": lambda: replace(
        issuer(), chain=(issuer().chain[0], issuer().chain[2])
    ),
    "the wrong order": lambda: replace(issuer(), chain=issuer().chain[::-1]),
    "an issuer that is no authority": lambda: issuer(middle=LEAF),
    "an issuer without extensions": lambda: issuer(middle=()),
    "an issuer whose key signs other things": lambda: issuer(
        middle=(authority(), _usage(digital_signature=True))
    ),
    "longer than the root allows": lambda: issuer(root=(authority(0),)),
    "a name constraint": lambda: issuer(middle=(authority(), _constrained())),
    "an unknown critical extension": lambda: issuer(leaf=(*LEAF, _odd(critical=True))),
    "a forged signature": _forged,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_chain_that_does_not_hold_is_refused(name: str) -> None:
    with pytest.raises(VerificationFailed):
        check_chain(read_chain(BROKEN[name]().x5chain))


WHOLE: dict[str, Callable[[], Issuer]] = {
    "as long as its issuers allow": lambda: issuer(
        middle=(authority(0),), root=(authority(1),)
    ),
    "an issuer whose key may issue": lambda: issuer(
        middle=(authority(), _usage(key_cert_sign=True))
    ),
    "an unknown extension": lambda: issuer(leaf=(*LEAF, _odd(critical=False))),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_chain_that_holds_is_taken(name: str) -> None:
    check_chain(read_chain(WHOLE[name]().x5chain))
