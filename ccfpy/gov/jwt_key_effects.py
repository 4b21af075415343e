"""How an accepted proposal changes the keys of JWT issuers, in its own transaction."""

from typing import TYPE_CHECKING

from ccfpy.base.json import JsonObject
from ccfpy.gov.ports import GovernanceNode
from ccfpy.service import jwt_keys
from ccfpy.service.refusal import Refused

if TYPE_CHECKING:
    from ccfpy.kv.tx import Tx


class JwtKeyEffects:
    """The keys of JWT issuers (`ccfpy.js.extensions.gov_effects.JwtKeys`)."""

    def __init__(self, node: GovernanceNode, tx: "Tx") -> None:
        self._node = node
        self._tx = tx

    def set_jwt_public_signing_keys(
        self, issuer: str, *, metadata: JsonObject, jwks: JsonObject
    ) -> None:
        """Replace an issuer's keys.

        As in CCF, members are told only that it failed; the log says why.

        Raises:
            Refused: the key set cannot be used.
            Malformed: ``jwks`` is no key set, or ``metadata`` is not an issuer's.
        """
        jwt_keys.check_metadata(metadata)
        keys = jwt_keys.key_set(jwks)
        try:
            jwt_keys.set_keys(self._tx, issuer, keys)
        except Refused as error:
            self._node.log("fail", f"<js>: {error}")
            raise Refused("set_jwt_public_signing_keys() failed") from error

    def remove_jwt_public_signing_keys(self, issuer: str) -> None:
        """Remove an issuer's keys."""
        jwt_keys.remove_keys(self._tx, issuer)
