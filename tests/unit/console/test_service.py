"""The service that a console shows is trusted by its certificate alone."""

from ccfpy.console.service import ADDRESSES_MAX, Service
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


def test_nodes_that_answered_are_asked_first(service_pem: str) -> None:
    """The node whose address was given may be the one that ends."""
    shown = Service(urls=["given"], certificate=service_pem, names=dict, pen=None)
    assert shown.addresses == ["given"]
    shown.answered[:] = ["other", "given"]
    assert shown.addresses == ["other", "given"]
    shown.answered[:] = [f"node{number}" for number in range(ADDRESSES_MAX + 1)]
    assert len(shown.addresses) == ADDRESSES_MAX
