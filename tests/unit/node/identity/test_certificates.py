"""The certificate of each interface, and when it changes."""

from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.crypto import certs
from ccfpy.http.tls import HTTP_1_1, HTTP_2, TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.identity import PresentedCertificates
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.http.tls_ends import pump
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


def test_a_renewed_certificate_of_its_own_is_presented_by_the_same_context() -> None:
    identity = node_identity()
    presented = PresentedCertificates(identity)
    context = presented.context_for(InterfaceAuthority.NODE, HTTP_1_1)
    assert context is not None
    identity.renew_self_signed(service_identity().certificate, SeededEntropy(4))
    presented.self_signed()
    assert presented.context_for(InterfaceAuthority.NODE, HTTP_1_1) is context
    client = TlsSession(
        ClientContext(
            trusted_pem=identity.self_signed.pem,
            host="node",
            now=NOW,
            checks_name=False,
        )
    )
    pump(client, TlsSession(context))
    assert client.peer_certificate_der == identity.self_signed.der
