"""Every bound on what strangers send to the service."""

STATEMENT_BYTES_MAX = 1 << 20
"""Of a signed statement, where members decide on no other number."""
CHAIN_CERTIFICATES_MAX = 10
"""In a statement's ``x5chain``."""
DID_CHARS_MAX = 2048
"""Of an issuer's identifier."""
DID_POLICIES_MAX = 16
"""In one ``did:x509``."""
CRIT_MAX = 8
"""Labels in a statement's ``crit``."""
RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192
RSA_EXPONENT_BITS_MAX = 64
"""A check by a longer exponent takes a hundred times as long."""
POLICY_MS_MAX = 1000
"""How long members' policy may take for one statement."""
REGISTRATION_MS_MAX = 3000
"""How long all of a registration may take: more than the policy, so that a policy that
takes too long is told as such."""
SEQNOS_PER_PAGE = 10_000
"""Of the ledger, in one answer that lists entries."""
KEYS_WAIT_MS = 5000
"""How long a caller waits until the endorsements of earlier keys are read."""
HOST_CHARS_MAX = 255
"""Of the name by which a caller reached the service."""
