"""Shares that the page opens, encrypted as nodes encrypt them."""

import base64

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ccfpy.client.keys import OsEntropy
from ccfpy.crypto.rsa import RsaKeyPair
from tests.e2e.console.modules import run

SHARE = bytes(range(48))
OPENS = """\
import { base64 } from "./der";
import { openShare } from "./share";
async function compute(key: string, share: string) {
  return base64(await openShare(key, share));
}
"""
FORMS = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)


def test_a_share_is_opened_by_its_members_key_and_by_no_other() -> None:
    own, other = (RsaKeyPair.generate(OsEntropy()) for _ in range(2))
    share = base64.b64encode(own.public_key.wrap(SHARE)).decode()
    plain, old = (_pem(own, form, NoEncryption()) for form in FORMS)
    locked = _pem(own, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))
    refused = (
        (_pem(other, PrivateFormat.PKCS8, NoEncryption()), "does not open the share"),
        (locked, "use ccfpy gov share"),
        (own.public_key.pem, "holds no private key"),
        (plain.replace("MII", "MIJ"), "holds no RSA key"),
    )
    keys = [plain, old, *(key for key, _ in refused)]
    first, second, *errors = run(OPENS, [[key, share] for key in keys])
    assert base64.b64decode(first) == base64.b64decode(second) == SHARE
    for error, (_, words) in zip(errors, refused, strict=True):
        assert words in error["error"]


def _pem(
    key: RsaKeyPair, form: PrivateFormat, how: NoEncryption | BestAvailableEncryption
) -> str:
    return key.library_key.private_bytes(Encoding.PEM, form, how).decode()
