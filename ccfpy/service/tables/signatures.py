"""Signature transactions' tables; what they hold is the ledger's affair."""

from ccfpy.kv.maps import RAW, Codec, Value
from ccfpy.ledger import tables
from ccfpy.ledger.signature import NodeSignature
from ccfpy.service.records import BASE64, codec_of

SIGNATURES = Value(
    tables.SIGNATURES,
    Codec(encode=NodeSignature.serialise, decode=NodeSignature.parse),
)
COSE_SIGNATURES = Value(tables.COSE_SIGNATURES, codec_of(BASE64))
TREE = Value(tables.TREE, RAW)
