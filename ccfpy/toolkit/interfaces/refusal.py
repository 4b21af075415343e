"""An answer that is no result: the caller's mistake, by a word that was declared."""

from ccfpy.base.errors import CcfpyError


class Refusal(CcfpyError):
    """A function refuses a call, for a reason that its interface names.

    The function has done nothing, or its work is complete. Only the word crosses the
    boundary: there is no text that could carry a secret.
    """

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word
