"""RFC 7512's own examples, as far as they are about private keys; what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.client.signers.pkcs11_uri import Pkcs11Uri

ENDLESS = (
    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;"
    "manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;"
    "type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:///pin"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkcs11:", Pkcs11Uri()),
        ("PKCS11:object=my-key", Pkcs11Uri(object="my-key")),
        ("pkcs11:token=members;id=%A1%b2", Pkcs11Uri(token="members", id=b"\xa1\xb2")),
        (
            "pkcs11:object=my-sign-key;type=private?pin-source=file:/etc/token_pin",
            Pkcs11Uri(object="my-sign-key", pin_source=Path("/etc/token_pin")),
        ),
        (
            ENDLESS,
            Pkcs11Uri(
                token="The Software PKCS#11 Softtoken",
                manufacturer="Snake Oil, Inc.",
                model="1.0",
                object="my-certificate",
                id=bytes.fromhex("69953e5cf4bdec91"),
                serial="",
                pin_source=Path("/pin"),
            ),
        ),
        (
            "pkcs11:slot-id=327?module-path=/lib/p11.so&pin-source=/pin",
            Pkcs11Uri(slot_id=327, module=Path("/lib/p11.so"), pin_source=Path("/pin")),
        ),
        ("pkcs11:token=%E2%82%AC", Pkcs11Uri(token="€")),
    ],
)
def test_what_a_uri_says_is_read(text: str, expected: Pkcs11Uri) -> None:
    assert Pkcs11Uri.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a PKCS#11 URI"),
        ("members", "write pkcs11:token=LABEL"),
        ("pkcs11:token", "expected NAME=VALUE"),
        ("pkcs11:token=a;", "expected NAME=VALUE"),
        ("pkcs11:;token=a", "expected NAME=VALUE"),
        ("pkcs11:to ken=a", "expected NAME=VALUE"),
        ("pkcs11:token=%zz", "expected NAME=VALUE"),
        ("pkcs11:token=%4", "expected NAME=VALUE"),
        ("pkcs11:token=%FF", "not UTF-8"),
        ("pkcs11:token=a;token=b", "twice"),
        ("pkcs11:library-version=3", "not understood"),
        ("pkcs11:object=a?module-name=softhsm2", "not understood"),
        ("pkcs11:type=public", "no private key"),
        ("pkcs11:slot-id=-1", "no number"),
        ("pkcs11:slot-id=²", "no number"),
        ("pkcs11:?module-path=p11.so", "whole path"),
        ("pkcs11:?pin-source=%7Cprogram", "whole path"),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        Pkcs11Uri.parse(text)


@pytest.mark.parametrize("where", [";", "?module-path=/lib/p11.so&", "?"])
def test_a_pin_is_refused_and_not_repeated(where: str) -> None:
    with pytest.raises(Malformed, match="everybody on this machine") as raised:
        Pkcs11Uri.parse(f"pkcs11:token=a{where}pin-value=271828")
    assert "271828" not in str(raised.value)


@pytest.mark.slow
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for uri in (text, f"pkcs11:{text}", f"pkcs11:token={text}", f"pkcs11:?{text}"):
        try:
            Pkcs11Uri.parse(uri)
        except Malformed:
            continue
