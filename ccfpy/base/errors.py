"""Whose fault it was, told apart by type.

* A *caller's* mistake inside ccfpy is an ordinary Python exception or an assertion.
* A *peer's or user's* mistake is one of the classes below; the edge that decodes
  their bytes turns it into a reply, and it never stops a node.
* The *environment's* failures (disk, network) reach trusted code as events.
"""


class CcfpyError(Exception):
    """Anything that somebody outside this process did wrong; its text is for people."""


class Malformed(CcfpyError):
    """Bytes or text that do not have the form their format demands."""


class StoredMalformed(Malformed):
    """A value in a map that its codec cannot read; the text may quote private data."""


class Unwritable(Malformed):
    """What was made here and cannot be sent: too large, too deep, of the wrong type.

    Its text holds no value.
    """


class VerificationFailed(CcfpyError):
    """Well-formed data whose proof does not hold: a signature, root, tag or chain."""


class ConfigurationRefused(CcfpyError):
    """A node's configuration that cannot be followed; the text says what to change."""


class LimitExceeded(CcfpyError):
    """More of something than its named bound in ``base.limits`` allows."""
