"""A proposal's changes of JWT keys: written, or refused with the reason in the log."""

import json

from ccfpy.service.tables import jwt
from tests.unit.gov.conftest import Governed
from tests.unit.gov.test_evaluation_effects import governed_by_effect

JWKS = {
    "keys": [
        {
            "kty": "EC",
            "kid": "k",
            "crv": "P-256",
            # the generator of the curve, which is a point on it
            "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
            "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        }
    ]
}


def test_keys_of_an_issuer_are_set_and_removed(governed: Governed) -> None:
    effect = f"ccf.setJwtPublicSigningKeys('https://i', {{}}, {json.dumps(JWKS)})"
    assert governed_by_effect(governed, effect).status == 200
    assert list(jwt.SIGNING_KEYS.of(governed.begin()).keys()) == ["k"]
    removed = governed_by_effect(
        governed, "ccf.removeJwtPublicSigningKeys('https://i')"
    )
    assert removed.status == 200
    assert not list(jwt.SIGNING_KEYS.of(governed.begin()).keys())


def test_why_keys_are_refused_is_only_logged(governed: Governed) -> None:
    effect = "ccf.setJwtPublicSigningKeys('https://i', {}, {keys: []})"
    reply = governed_by_effect(governed, effect)
    message = json.loads(reply.body)["error"]["message"]
    assert "set_jwt_public_signing_keys() failed" in message
    assert ("fail", "<js>: JWKS has no keys") in governed.node.lines


def test_what_is_no_key_set_is_told(governed: Governed) -> None:
    effect = "ccf.setJwtPublicSigningKeys('https://i', {}, {})"
    message = json.loads(governed_by_effect(governed, effect).body)["error"]["message"]
    assert "Error setting JWT public signing keys: " in message
