"""Sign a digest as a vault would that keeps a member's key: ``KEY``, JSON on stdin.

This runs where the tools run, so that nothing of ccfpy takes part in the signature.
"""

import base64
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def main(key_path: str) -> None:
    """Answer with the signature as r and s, in base64url."""
    key = load_pem_private_key(Path(key_path).read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    digest = base64.b64decode(json.load(sys.stdin)["value"])
    hashed = SHA256() if len(digest) == SHA256.digest_size else SHA384()
    der = key.sign(digest, ec.ECDSA(utils.Prehashed(hashed)))
    size = (key.curve.key_size + 7) // 8
    raw = b"".join(n.to_bytes(size, "big") for n in utils.decode_dss_signature(der))
    json.dump({"value": base64.urlsafe_b64encode(raw).decode()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
