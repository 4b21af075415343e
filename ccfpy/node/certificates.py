"""Which certificate the node presents where, swapped while connections live.

An interface that the node vouches for has one at once. One that the service vouches
for has none until the endorsement is committed: a client must never see a certificate
that a failed election could take back.
"""

from ccfpy.boundary.configuration import Authority
from ccfpy.crypto.certs import Certificate
from ccfpy.http.tls import ServerContext
from ccfpy.node.identity import NodeIdentity


class PresentedCertificates:
    """The TLS contexts of a node's interfaces, by who vouches for them."""

    def __init__(self, identity: NodeIdentity) -> None:
        self._identity = identity
        self._by_node = ServerContext(identity.self_signed.pem, identity.key.pem)
        self._by_service: ServerContext | None = None

    def context_for(self, authority: Authority) -> ServerContext | None:
        """Give the context for new connections; ``None`` while there is none."""
        match authority:
            case Authority.NODE:
                return self._by_node
            case Authority.SERVICE:
                return self._by_service
            case Authority.UNSECURED:
                return None

    def endorsed(self, certificate: Certificate) -> None:
        """Present the service's endorsement from now on."""
        self._identity.endorsed = certificate
        key = self._identity.key.pem
        if self._by_service is None:
            self._by_service = ServerContext(certificate.pem, key)
        else:
            self._by_service.replace(certificate.pem, key)

    def self_signed(self, certificate: Certificate) -> None:
        """Present a new self-signed certificate from now on."""
        self._identity.self_signed = certificate
        self._by_node.replace(certificate.pem, self._identity.key.pem)
