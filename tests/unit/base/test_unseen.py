"""What is not seen is known in one place."""

import re

import pytest

from ccfpy.base.unseen import UNSEEN
from ccfpy.client.review.characters import script
from ccfpy.endpoints.api_page.page import escape
from ccfpy.host.log import _visible

HIDDEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\ufe00\ufe0f"
    "\uffa0\ufff0\U0001bca0\U0001d173\U000e0041\U000e0100\U000e01ef"
)


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
def test_what_is_not_seen_is_written_by_its_number(character: str) -> None:
    for written in (_visible(f"a{character}b"), escape(f"a{character}b")):
        assert written in {
            f"a\\u{ord(character):04x}b",
            f"a\\U{ord(character):08x}b",
        }


def test_members_are_shown_none_of_them_as_itself() -> None:
    found = re.findall(f"[{UNSEEN}]", "".join(map(chr, range(0x110000))))
    assert len(found) > 4000
    assert not any(character > "\x7f" and script(character) for character in found)
