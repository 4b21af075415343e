"""Characters that a reader does not see, or that change how others are seen.

Controls, marks of direction, what Unicode says may be ignored (its property
``Default_Ignorable_Code_Point``), letters and signs that are drawn as a blank, and
halves of characters. A tab and a line feed are left to each user.
"""

from typing import Final

UNSEEN: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Ranges for a class of a regular expression, without its brackets."""
