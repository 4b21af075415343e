"""The error for a write that would break a rule of the service's tables."""

from ccfpy.base.errors import CcfpyError


class Refused(CcfpyError):
    """A write would break a rule, and was not made; the text names the rule."""
