"""An answer that is no result: the caller's mistake, by a word that was declared."""

from ccfpy.base.errors import CcfpyError


class Refusal(CcfpyError):
    """A function does not do what it was asked, for a reason that its interface names.

    The function has done nothing, or what it has done is complete. The word alone
    crosses the boundary: there is no text in which a secret could go along.
    """

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word
