"""Which certificate the node presents where, swapped while connections live.

An interface that the node vouches for has one at once. One that the service vouches
for has none until the endorsement is committed: a client must never see a certificate
that a failed election could take back.
"""

from collections.abc import Mapping

from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.crypto.certs import Certificate
from ccfpy.http.tls import HTTP_1_1, HTTP_2, ServerContext
from ccfpy.node.identity.keys import NodeIdentity

Contexts = Mapping[bytes, ServerContext]
"""By the protocol that is offered: an interface speaks one."""


class PresentedCertificates:
    """The TLS contexts of a node's interfaces, by who vouches for them."""

    def __init__(self, identity: NodeIdentity) -> None:
        self._identity = identity
        self._by_node = _contexts(identity.self_signed.pem, identity.key.pem)
        self._by_service: Contexts | None = None

    def context_for(
        self, authority: InterfaceAuthority, protocol: bytes
    ) -> ServerContext | None:
        """Return the context for new connections; ``None`` while there is none."""
        match authority:
            case InterfaceAuthority.NODE:
                return self._by_node[protocol]
            case InterfaceAuthority.SERVICE:
                return None if self._by_service is None else self._by_service[protocol]
            case InterfaceAuthority.UNSECURED:
                return None

    def endorsed(self, certificate: Certificate) -> None:
        """Present the service's endorsement from now on."""
        key = self._identity.key.pem
        if self._by_service is None:
            self._by_service = _contexts(certificate.pem, key)
        else:
            _replace(self._by_service, certificate.pem, key)

    def self_signed(self) -> None:
        """Present the node's new self-signed certificate from now on."""
        identity = self._identity
        _replace(self._by_node, identity.self_signed.pem, identity.key.pem)


def _contexts(certificate_pem: str, key_pem: str) -> Contexts:
    return {
        protocol: ServerContext(certificate_pem, key_pem, protocols=(protocol,))
        for protocol in (HTTP_1_1, HTTP_2)
    }


def _replace(contexts: Contexts, certificate_pem: str, key_pem: str) -> None:
    for context in contexts.values():
        context.replace(certificate_pem, key_pem)
