"""The answers of a mock of what stands around Azure Confidential Ledger.

The identity service tells clients the certificate of a ledger. The token endpoint is
that of managed identities on Azure App Service, from which Azure's credentials take
tokens. Its key is made when it starts, so its tokens are worth nothing elsewhere.
"""

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from ccfpy.base.json import JsonObject
from ccfpy.devtools.token_signer import TokenSigner

ISSUER = "https://issuer.emulated.invalid"
"""Names the issuer in tokens. Nobody fetches its keys: members are told them."""
RESOURCE = "https://confidential-ledger.azure.com"
TOKEN_LIFE_S = 60 * 60
TOKEN_PATH = "/msi/token"  # noqa: S105 - a path
SECRET_HEADER = "x-identity-header"  # noqa: S105 - a header's name
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OBJECT_ID_PARAMETERS = ("object_id", "principal_id", "mi_res_id", "client_id")


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """What is sent back.

    Attributes:
        status: of HTTP.
        body: JSON.
    """

    status: int
    body: JsonObject


class AclIdentity:
    """The identity service and the token endpoint, without their connections.

    Args:
        certificate: the ledger's, as PEM.
        ledger_ids: the names by which clients ask for the certificate.
        signer: the key that signs tokens.
        secret: what a request for a token must show.
        object_id: whose token is given, unless a request names another user.
    """

    def __init__(
        self,
        *,
        certificate: str,
        ledger_ids: Collection[str],
        signer: TokenSigner,
        secret: str,
        object_id: str,
    ) -> None:
        self._certificate = certificate
        self._ledger_ids = frozenset(ledger_ids)
        self._signer = signer
        self._secret = secret
        self._object_id = object_id

    def get(
        self, target: str, headers: Mapping[str, str], *, unix_time_s: int
    ) -> IdentityAnswer:
        """Answer a GET.

        Args:
            target: path and query.
            headers: by lower-case name.
            unix_time_s: when tokens begin to be valid.
        """
        parts = urlsplit(target)
        match parts.path.strip("/").split("/"):
            case ["ledgerIdentity", ledger_id] if ledger_id in self._ledger_ids:
                body = {
                    "ledgerId": ledger_id,
                    "ledgerTlsCertificate": self._certificate,
                }
                return IdentityAnswer(200, {**body})
            case ["msi", "token"]:
                shown = headers.get(SECRET_HEADER, "")
                if not secrets.compare_digest(shown.encode(), self._secret.encode()):
                    return _refusal(401, "Unauthorized", f"{SECRET_HEADER} is wrong.")
                return self._token(parse_qs(parts.query), unix_time_s)
            case _:
                return _refusal(404, "ResourceNotFound", "There is nothing here.")

    def _token(
        self, query: Mapping[str, list[str]], unix_time_s: int
    ) -> IdentityAnswer:
        """Return a token of the named user, or else of the first administrator."""
        resource = query.get("resource", [""])[0].removesuffix("/")
        if resource != RESOURCE:
            return _refusal(400, "InvalidResource", f"Tokens are for {RESOURCE}.")
        named = (query[name][0] for name in _OBJECT_ID_PARAMETERS if name in query)
        object_id = next(named, self._object_id)
        if not _OBJECT_ID.fullmatch(object_id):
            return _refusal(400, "InvalidIdentity", "An object id is a GUID.")
        expires = unix_time_s + TOKEN_LIFE_S
        token = self._signer.sign(
            {
                "iss": ISSUER,
                "aud": RESOURCE,
                "oid": object_id,
                "sub": object_id,
                "iat": unix_time_s,
                "nbf": unix_time_s,
                "exp": expires,
            }
        )
        return IdentityAnswer(
            200,
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": RESOURCE,
                "token_type": "Bearer",
                "client_id": object_id,
            },
        )

    def trust(self) -> JsonObject:
        """Return the action by which members trust the issuer of the tokens."""
        return {
            "name": "set_jwt_issuer",
            "args": {
                "issuer": ISSUER,
                "auto_refresh": False,
                "jwks": {"keys": [{**self._signer.jwk, "issuer": ISSUER}]},
            },
        }


def _refusal(status: int, code: str, message: str) -> IdentityAnswer:
    return IdentityAnswer(status, {"error": {"code": code, "message": message}})
