"""``ccf.network``: the service's keys at work for an accepted proposal."""

from typing import Protocol

from ccfpy.base.ids import Seqno
from ccfpy.js.extension import StatelessExtension, or_throw, own_source
from ccfpy.kv.tx import Tx


class ServiceAuthority(Protocol):
    """What the holder of the service key and the ledger secrets answers.

    Each method has the name that CCF has for it in JavaScript. Each raises a
    ``CcfpyError`` that says why there is no answer.
    """

    def latest_ledger_secret_seqno(self, tx: Tx) -> Seqno:
        """Return the seqno from which the current ledger secret is used.

        It must read ``public:ccf.internal.encrypted_ledger_secrets`` through ``tx``, so
        that a rekey in the meantime makes the transaction conflict.
        """
        ...

    def generate_endorsed_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        """Sign a node's certificate request with the service key, and return the PEM.

        Raises:
            CcfpyError: the request or the time is malformed.
        """
        ...

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        """Make a certificate for the same service key, and return the PEM.

        The node begins to use the certificate when it finds it committed in the
        service's record.

        Raises:
            CcfpyError: the time is malformed.
        """
        ...


_SOURCE = own_source(__name__)


def network_extension(authority: ServiceAuthority, tx: Tx) -> StatelessExtension:
    """Return the extension ``ccf.network``, for one proposal's transaction."""
    return StatelessExtension(
        _SOURCE,
        {
            "getLatestLedgerSecretSeqno": lambda: or_throw(
                lambda: authority.latest_ledger_secret_seqno(tx),
                "Failed to fetch latest ledger secret seqno",
            ),
            "generateEndorsedCertificate": lambda request, valid_from, days: or_throw(
                lambda: authority.generate_endorsed_certificate(
                    request, valid_from=valid_from, validity_days=int(days)
                ),
                "Failed to create endorsed cert",
            ),
            "generateNetworkCertificate": lambda valid_from, days: or_throw(
                lambda: authority.generate_network_certificate(
                    valid_from=valid_from, validity_days=int(days)
                ),
                "Error",
            ),
        },
    )
