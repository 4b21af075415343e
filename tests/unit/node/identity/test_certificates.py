"""What each interface presents, and when it changes."""

from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.crypto import certs
from ccfpy.http.tls import HTTP_1_1, HTTP_2
from ccfpy.node.identity.certificates import PresentedCertificates
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.node.identity.test_keys import NOW, node_identity, service_identity


def test_an_interface_presents_what_its_authority_vouches_for() -> None:
    identity, service = node_identity(), service_identity()
    presented = PresentedCertificates(identity)
    assert presented.context_for(InterfaceAuthority.NODE, HTTP_2) is not None
    assert presented.context_for(InterfaceAuthority.SERVICE, HTTP_2) is None
    assert presented.context_for(InterfaceAuthority.UNSECURED, HTTP_2) is None
    endorsed = certs.endorse_request(
        identity.request,
        issuer_key=service.key,
        issuer_cert=service.certificate,
        not_before=NOW,
        validity_days=1,
        entropy=SeededEntropy(3),
    )
    presented.endorsed(endorsed)
    context = presented.context_for(InterfaceAuthority.SERVICE, HTTP_2)
    assert context is not None
    presented.endorsed(endorsed)
    assert presented.context_for(InterfaceAuthority.SERVICE, HTTP_2) is context
    assert presented.context_for(InterfaceAuthority.SERVICE, HTTP_1_1) is not context
