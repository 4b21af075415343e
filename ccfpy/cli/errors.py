"""How a command fails."""

from enum import IntEnum

from ccfpy.base.errors import CcfpyError


class ExitCode(IntEnum):
    """A command's exit code."""

    OK = 0
    FAILED = 1
    """Something did not work, or does not hold."""
    USAGE = 2
    """What was asked for makes no sense."""


class CommandFailed(CcfpyError):
    """A command failed; the text says why and what helps.

    Attributes:
        code: the exit code.
    """

    def __init__(self, message: str, *, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


class Misused(CommandFailed):
    """Options that do not fit together, or name nothing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ExitCode.USAGE)


def no_such_file(what: str, error: OSError) -> CommandFailed:
    """Return the one sentence that says why a file cannot be used.

    Raises:
        BrokenPipeError: nobody reads the output any more, which is no fault of a file.
    """
    if isinstance(error, BrokenPipeError):
        raise error
    reason = (error.strerror or str(error)).lower()
    return CommandFailed(
        f"cannot use {what}: {reason}; correct the path or its permissions"
    )
