"""What the ledger says of itself: signatures, and the tree's state.

What the signature tables hold is the ledger's affair.
"""

from ccfpy.kv.maps import RAW, Codec, Value
from ccfpy.ledger import tables
from ccfpy.ledger.signature import NodeSignature
from ccfpy.service.records import codec_of

SIGNATURES = Value(
    tables.SIGNATURES,
    Codec(encode=NodeSignature.serialise, decode=NodeSignature.parse),
)
COSE_SIGNATURES = Value(tables.COSE_SIGNATURES, codec_of(bytes))
TREE = Value(tables.TREE, RAW)
