"""Members' keys as files: each curve, and both forms that tools write."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from playwright.sync_api import Page

from ccfpy.client.keys import OsEntropy
from ccfpy.crypto.certs import node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.node import Person

PKCS8, SEC1 = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
OPEN = NoEncryption()


def member(curve: Curve, name: str = "") -> Person:
    """Make a member whose key is on a curve."""
    entropy = OsEntropy()
    key = KeyPair.generate(entropy, curve)
    certificate = node_self_signed(
        key,
        subject=f"CN={name or curve}",
        sans=(),
        not_before=datetime.now(tz=UTC) - timedelta(days=1),
        validity_days=2,
        entropy=entropy,
    )
    return Person(key=key, certificate=certificate, name=name or str(curve))


def key_pem(
    key: KeyPair, form: PrivateFormat, how: KeySerializationEncryption = OPEN
) -> str:
    """Write a key as a tool does."""
    return key.library_key.private_bytes(Encoding.PEM, form, how).decode()


def key_files(folder: Path, person: Person, form: PrivateFormat = PKCS8) -> None:
    """Write a member's two files, named as ccfpy names them."""
    (folder / f"{person.name}_privk.pem").write_text(key_pem(person.key, form))
    (folder / f"{person.name}_cert.pem").write_text(person.certificate.pem)


def choose_key(page: Page, folder: Path, name: str) -> None:
    """Load a member's files into the page."""
    page.get_by_label("Key, such as").set_input_files(folder / f"{name}_privk.pem")
    page.get_by_label("Certificate, such as").set_input_files(
        folder / f"{name}_cert.pem"
    )
    page.get_by_role("button", name="Use this key").click()
