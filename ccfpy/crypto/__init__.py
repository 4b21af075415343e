"""Hashes, keys, certificates, sealed bytes, COSE: the one door to the crypto libraries.

Everything that fails to verify raises ``VerificationFailed``. Randomness arrives by the
entropy port and signatures are deterministic. Imports base only.
"""
