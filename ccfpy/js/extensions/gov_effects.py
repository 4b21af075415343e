"""What an accepted proposal may do to the application's code and to JWT keys.

The three functions are on ``ccf`` itself, as in CCF.
"""

from typing import Protocol

from ccfpy.base import json
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.extension import StatelessExtension, internal_error, or_throw, own_source
from ccfpy.js.extensions.kv import Tables
from ccfpy.js.quickjs import VERSION, compile_module
from ccfpy.service.tables.js import MODULES, MODULES_BYTECODE, MODULES_VERSION

_UNIT_KEY = bytes(8)


class JwtKeys(Protocol):
    """The keys that tokens are verified with, changed in the proposal's transaction."""

    def set_jwt_public_signing_keys(
        self, issuer: str, *, metadata: json.JsonObject, jwks: json.JsonObject
    ) -> None:
        """Replace an issuer's keys.

        Raises:
            CcfpyError: why the key set cannot be used.
        """
        ...

    def remove_jwt_public_signing_keys(self, issuer: str) -> None:
        """Remove an issuer's keys.

        Raises:
            CcfpyError: why the keys cannot be removed.
        """
        ...


_SOURCE = own_source(__name__)


def gov_effects_extension(tables: Tables, jwt_keys: JwtKeys) -> StatelessExtension:
    """Return the extension ``ccf.setJwtPublicSigningKeys`` and the like."""

    def refresh_app_bytecode_cache() -> None:
        """Compile every module into the tables where CCF keeps bytecode.

        Readers of the ledger expect the bytecode; this engine never loads it. Compiling
        also proves each module before it replaces the app.
        """
        version = tables.raw(MODULES_VERSION.name)
        version.put(_UNIT_KEY, VERSION.encode())
        bytecode = tables.raw(MODULES_BYTECODE.name)
        bytecode.clear()
        for name, source in tables.raw(MODULES.name).range():
            try:
                code = compile_module(
                    name.decode(errors="replace"), source.decode(errors="replace")
                )
            except JsModuleFailed as error:
                raise internal_error(f"Failed to refresh bytecode: {error}") from None
            bytecode.put(name, code)

    return StatelessExtension(
        _SOURCE,
        {
            "refreshAppBytecodeCache": refresh_app_bytecode_cache,
            "setJwtPublicSigningKeys": lambda issuer, metadata, jwks: or_throw(
                lambda: jwt_keys.set_jwt_public_signing_keys(
                    issuer,
                    metadata=json.loads_object(metadata),
                    jwks=json.loads_object(jwks),
                ),
                "Error setting JWT public signing keys",
            ),
            "removeJwtPublicSigningKeys": lambda issuer: or_throw(
                lambda: jwt_keys.remove_jwt_public_signing_keys(issuer),
                "Failed to remove JWT public signing keys",
            ),
        },
    )
