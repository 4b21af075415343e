"""The service that a console shows is trusted by its certificate alone."""

from ccfpy.console.service import Service
from ccfpy.crypto.certs import Certificate
from ccfpy.testing.node import Person
from tests.unit.console.served import pen_of


def test_a_service_is_named_by_its_certificate(service_pem: str) -> None:
    alice = Person.make("alice")
    urls = ["https://127.0.0.1:1"]
    shown = Service(urls=urls, certificate=service_pem, names=dict, pen=pen_of(alice))
    assert shown.digest == Certificate.from_pem(service_pem).digest_hex
    assert shown.signer_id == alice.certificate.digest_hex
    read = Service(urls=urls, certificate=service_pem, names=dict, pen=None)
    assert read.signer_id is None
