"""How a rule of the service's tables says no."""

from ccfpy.base.errors import CcfpyError


class Refused(CcfpyError):
    """A write that would break a rule; nothing was written, the text says which."""
