"""What an accepted proposal's JavaScript may do beyond writing tables.

Each effect is made in the proposal's own transaction. What the node does beyond that
happens when it finds the writes committed.
"""

from typing import TYPE_CHECKING

from ccfpy.base.json import JsonObject
from ccfpy.gov.ports import GovernanceNode
from ccfpy.service import jwt_keys
from ccfpy.service.refusal import Refused

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.kv.tx import Tx


class NodeEffects:
    """``ccf.node`` and ``ccf.network``, passed on to the node with the transaction."""

    def __init__(self, node: GovernanceNode, tx: "Tx") -> None:
        self._node = node
        self._tx = tx

    def open_service(self, *, previous_identity: str | None, identity: str) -> None:
        """Open the service, or in a recovery go on to collect shares."""
        self._node.transition_service_to_open(
            self._tx, previous_identity=previous_identity, next_identity=identity
        )

    def rekey_ledger(self) -> None:
        """Begin a new ledger secret."""
        self._node.rekey_ledger(self._tx)

    def refresh_recovery_shares(self) -> None:
        """Share the current ledger secret anew."""
        self._node.refresh_recovery_shares(self._tx)

    def request_ledger_chunk(self) -> None:
        """End the ledger's chunk at the next signature."""
        self._node.trigger_ledger_chunk(self._tx)

    def request_snapshot(self) -> None:
        """Make a snapshot at the next signature."""
        self._node.trigger_snapshot(self._tx)

    def latest_ledger_secret_seqno(self) -> "Seqno":
        """Give the seqno from which the current ledger secret is used."""
        return self._node.latest_ledger_secret_seqno(self._tx)

    def endorse_node(
        self, certificate_signing_request: str, *, valid_from: str, validity_days: int
    ) -> str:
        """Give a node's certificate, signed by the service."""
        return self._node.endorse_node_certificate(
            certificate_signing_request,
            valid_from=valid_from,
            validity_days=validity_days,
        )

    def renew_service_certificate(self, *, valid_from: str, validity_days: int) -> str:
        """Give the service's certificate anew, for the same key."""
        return self._node.renew_service_certificate(
            valid_from=valid_from, validity_days=validity_days
        )


class JwtKeyEffects:
    """The keys of JWT issuers, changed in the proposal's transaction."""

    def __init__(self, node: GovernanceNode, tx: "Tx") -> None:
        self._node = node
        self._tx = tx

    def set_keys(self, issuer: str, *, metadata: JsonObject, jwks: JsonObject) -> None:
        """Replace an issuer's keys.

        The members learn that it failed, the log why, as in CCF.

        Raises:
            Refused: the key set cannot be used.
            Malformed: it is no key set, or the metadata is not an issuer's.
        """
        jwt_keys.check_metadata(metadata)
        keys = jwt_keys.key_set(jwks)
        try:
            jwt_keys.set_keys(self._tx, issuer, keys)
        except Refused as error:
            self._node.log("fail", f"<js>: {error}")
            raise Refused("set_jwt_public_signing_keys() failed") from error

    def remove_keys(self, issuer: str) -> None:
        """Remove an issuer's keys."""
        jwt_keys.remove_keys(self._tx, issuer)
